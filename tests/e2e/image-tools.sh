#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# 'tools:' of kind image: a tree's mkfs makes what libguestfs fills, this machine's is neither looked for nor
# in the key, and one that means harm reaches the file of its own file system alone.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$p/files/etc" "$scratch/host" "$scratch/outside"
printf 'schema: 1\nname: demo\nversion: "1"\n' >"$p/recipes/project.yaml"
echo "how do you do" >"$p/files/etc/greeting"
echo precious >"$scratch/outside/file"
# Programs of this host as a tree, with what they are linked with.
cat >"$p/pack.sh" <<'SH'
mkdir -p t/usr/sbin t/bin t/tmp t/proc t/dev t/run t/sys t/etc
add() {
	cp -L "$1" "t$2"
	ldd "$1" | sed -n -E 's/^(.*=> )?[[:space:]]*(\/[^ ]*) .*/\2/p' | while read -r lib; do
		mkdir -p "t${lib%/*}" && cp -L "$lib" "t$lib"
	done
}
add /bin/sh /bin/sh
for program in mv ln truncate ls; do add "/bin/$program" "/bin/$program"; done
if [ -n "$1" ]; then
	printf '#!/bin/sh\n%s\n' "$1" >t/usr/sbin/mkfs.ext4
	chmod 755 t/usr/sbin/mkfs.ext4
else
	for program in mkfs.ext4 mkfs.btrfs; do add "/usr/sbin/$program" "/usr/sbin/$program"; done
fi
tar -C t --sort=name --mtime=@1 --owner=0 --group=0 -cf tools.tar .
SH
tools() { # NAME SCRIPT: a tree, with the script as its mkfs.ext4
	printf "kind: run\\ninputs: [pack.sh]\\nrun:\\n  - [sh, pack.sh, '%s']\\noutputs: [tools.tar]\\n" "$2" >"$p/recipes/$1.yaml"
}
image() { # NAME TOOLS
	cat >"$p/recipes/$1.yaml" <<END2
kind: image
writer: guestfs
${2:+tools: $2}
size: 192M
table: gpt
partitions:
  - {name: esp, type: esp, size: 8M, filesystem: vfat, mount: /boot}
  - {name: root, type: root-x86-64, size: 40M, filesystem: ext4, label: top, mount: /}
  - {name: data, type: linux-generic, filesystem: btrfs, label: data, mount: /etc}
contents: [{copy: files/, to: /}]
END2
}
tools kit ""
image img kit
image other ""
# This host's say who called them.
for program in mkfs.ext4 mkfs.btrfs; do
	printf '#!/bin/sh\necho "%s $*" >>"%s/called"\necho "%s 99"\n' $program "$scratch" $program >"$scratch/host/$program"
	chmod 755 "$scratch/host/$program"
done
key() { jq -r '.nodes[] | select(.name == "'"$1"'").key'; }
o() { PATH=$scratch/host:$PATH "$orch" -C "$p" "$@"; }

echo "# what is in the key"
check "the tree" "$orch" -C "$p" build kit
"$orch" -C "$p" plan --json img other >"$scratch/before.json"
o plan --json img other >"$scratch/after.json"
same "other programs on this host do not matter" "$(key img <"$scratch/before.json")" "$(key img <"$scratch/after.json")"
check "where they are not used" test "$(key other <"$scratch/before.json")" != "$(key other <"$scratch/after.json")"
same "and were asked for that" "$(printf 'mkfs.btrfs\nmkfs.ext4')" "$(cut -d' ' -f1 "$scratch/called" | sort -u)"
rm "$scratch/called"

echo "# what is made"
code "build" 0 o build img
i=$p/out/img/img.img
check "this host's programs were not looked for" test ! -e "$scratch/called"
check "ext4 is right" e2fsck -fn "$i?offset=$((9 * 1048576))"
same "with its label" top "$(blkid -p -O $((9 * 1048576)) -o value -s LABEL "$i")"
same "btrfs has its own" "btrfs data" "$(blkid -p -O $((49 * 1048576)) -o value -s TYPE "$i" | tr '\n' ' ')$(
	blkid -p -O $((49 * 1048576)) -o value -s LABEL "$i")"
check "and its content" grep -qa 'how do you do' "$i"

echo "# programs that mean harm"
harm() { # NAME SCRIPT
	tools "$1" "$2"
	printf 'kind: image\nwriter: guestfs\ntools: %s\nfilesystem: ext4\nsize: 40M\n' "$1" >"$p/recipes/by-$1.yaml"
}
harm grower 'truncate -s 900M /filesystem'
harm thief "ln -sf $scratch/outside/file /filesystem; echo x >$scratch/outside/file; echo x >/usr/sbin/y; ls /; exit 3"
code "one that makes another size" 1 "$orch" -C "$p" build by-grower
check "is told of" grep -q "mkfs.ext4 of 'tools' made a file system of 943718400 bytes, not of 41943040" "$scratch/err"
code "one that writes elsewhere" 1 "$orch" -C "$p" build by-thief
check "is told by its own words" grep -q "Read-only file system" "$scratch/err"
same "reaches nothing" precious "$(cat "$scratch/outside/file")"
same "and sees its own tree" "bin dev etc filesystem lib lib64 proc run sys tmp usr" \
	"$("$orch" -C "$p" log by-thief 2>&1 | grep -x -E '[a-z0-9]+' | tr '\n' ' ' | sed 's/ $//')"
finish
