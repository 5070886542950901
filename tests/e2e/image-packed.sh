#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Kind image: squashfs and erofs, 'verity: true', 'size: auto', and what other tools say of them.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$p/files/etc" "$p/files/usr/bin"
cd "$p" || exit 1
printf 'schema: 1\nname: demo\nversion: "1"\n' >recipes/project.yaml
echo "how do you do" >files/etc/greeting
head -c 3000000 /dev/urandom >files/usr/blob
mkdir t && printf 'new' >t/new && touch -d @1750000000 t/new && ln t/new t/also && ln -s new t/link
tar --sort=name --numeric-owner --owner=7 --group=8 -C t -cf files.tar .
cat >recipes/tree.yaml <<'END'
kind: run
inputs: [files.tar]
run: ["cp files.tar tree.tar"]
outputs: [tree.tar]
END
image() { # NAME FILESYSTEM SIZE LINES
	printf 'kind: image\nfilesystem: %s\nsize: %s\ncontents:\n  - {copy: files/, to: /}\n  - {unpack: tree, to: /opt}\nmodes: {/etc/greeting: "0640 5:6"}\n%b' "$2" "$3" "${4:-}" >"recipes/$1.yaml"
}
image squash squashfs 12M 'verity: true\n'
image squash-auto squashfs auto 'verity: true\ncompression: xz\nblock-size: 1M\n'
image ext ext4 24M 'verity: true\n'
image ext-auto ext4 auto 'verity: true\n'
image plain ext4 auto
image roomy ext4 auto 'headroom: 30%\n'
sed -i 's/unpack: tree, to: .opt/copy: files\/etc\/greeting, to: \//; /^modes/d' recipes/plain.yaml
image little squashfs 1M
cat >recipes/entry.yaml <<'END'
kind: run
env: {ROOT: "roothash=${squash:squash.roothash}", TABLE: "${ext:ext.verity}"}
run: ['echo "$ROOT" >cmdline', 'echo "$TABLE" | sed s,DEVICE,/dev/system/root,g >table']
outputs: [cmdline, table]
END
sed 's/filesystem: ext4/filesystem: vfat/; s/ext:ext/x/' recipes/roomy.yaml | sed '/unpack/d; /^modes/d' >recipes/fat.yaml
check build "$orch" build squash squash-auto ext ext-auto plain roomy fat entry

echo "# verity"
for name in squash squash-auto ext ext-auto; do
	at=$(cut -d' ' -f9 "out/$name/$name.verity")
	check "verify-$name" veritysetup verify "out/$name/$name.img" "out/$name/$name.img" "$(cat "out/$name/$name.roothash")" --hash-offset=$((at * 4096))
	# the same tree from veritysetup itself, byte for byte
	size=$((at * 4096))
	head -c $size "out/$name/$name.img" >"$scratch/own"
	veritysetup dump "out/$name/$name.img" --hash-offset=$size | tr -d '\t' >"$scratch/dump"
	uuid=$(sed -n 's/^UUID: *//p' "$scratch/dump") salt=$(sed -n 's/^Salt: *//p' "$scratch/dump")
	truncate -s "$(stat -c %s "out/$name/$name.img")" "$scratch/own"
	check "format-$name" veritysetup format "$scratch/own" "$scratch/own" --hash-offset=$size --data-blocks="$at" --uuid="$uuid" --salt="$salt"
	check "equal-$name" cmp "$scratch/own" "out/$name/$name.img"
done
same size-is-the-whole "12582912 25165824" "$(stat -c %s out/squash/squash.img out/ext/ext.img | xargs)"
same root-hash-as-a-value "roothash=$(cat out/squash/squash.roothash)" "$(cat out/entry/cmdline)"
same a-table "0 $(cut -d' ' -f2 out/ext/ext.verity) verity 1 /dev/system/root /dev/system/root 4096" "$(cut -d' ' -f1-7 out/entry/table)"

echo "# what is in it"
check unsquash unsquashfs -n -no-xattrs -ig -d "$scratch/un" out/squash/squash.img
same content "how do you do" "$(cat "$scratch/un/etc/greeting")"
unsquashfs -lln out/squash/squash.img >"$scratch/list"
check owners grep -q -- '-rw-r----- 5/6 .* 2024-01-01 .*squashfs-root/etc/greeting' "$scratch/list"
check own-times grep -q -- '7/8 .* 2025-06-15 .*squashfs-root/opt/new' "$scratch/list"
check the-root grep -q '^drwxr-xr-x 0/0 .* squashfs-root$' "$scratch/list"
same compression xz "$(unsquashfs -s out/squash-auto/squash-auto.img | sed -n 's/^Compression //p')"
check e2fsck e2fsck -fn out/ext/ext.img
check e2fsck-auto e2fsck -fn out/plain/plain.img
check fsck-fat fsck.fat -n out/fat/fat.img
check headroom [ "$(stat -c %s out/roomy/roomy.img)" -gt "$(($(stat -c %s out/plain/plain.img) * 125 / 100))" ]
check not-more [ "$(stat -c %s out/plain/plain.img)" -lt 9000000 ]
same looked-into "how do you do" "$("$orch" image cat squash:/etc/greeting)"

echo "# what cannot be"
code too-little 2 "$orch" build little
check says-so grep -q "packed, the content has .* raise the size" "$scratch/err"
if mkfs.erofs --help 2>&1 | grep -q -e --tar; then
	image er erofs 12M 'verity: true\n'
	check erofs "$orch" build er
	check fsck-erofs fsck.erofs out/er/er.img
else
	image er erofs 12M
	code erofs-of-old 1 "$orch" build er
	check says-tools grep -q "name a tree that has a newer one as 'tools'\|mkfs.erofs" "$scratch/err"
fi

echo "# again, later"
sums=$(sha256sum out/squash/* out/ext-auto/*)
ORCH_STORE="$scratch/store2" "$orch" build squash ext-auto >/dev/null 2>&1
same reproducible "$sums" "$(sha256sum out/squash/* out/ext-auto/*)"
finish
