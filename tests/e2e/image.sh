#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch image: the same files seen in a tree, in each file system, in partitions and in images within
# images; names that would move a terminal; what cannot be looked into.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes"
printf 'schema: 1\nname: demo\nversion: "1"\ntimes: 2025-01-01\ndefault: [card, nested, boot, deb]\n' \
	>"$p/recipes/project.yaml"
cat >"$p/recipes/base.yaml" <<'END'
kind: run
run:
  - |
    mkdir -p t/etc t/usr/bin t/empty
    printf 'one\ntwo\n' >t/etc/text
    head -c 100000 /dev/urandom >t/usr/bin/tool
    ln t/usr/bin/tool t/usr/bin/same
    chmod 4755 t/usr/bin/tool
    ln -s usr/bin t/bin
    ln -s /etc/passwd t/etc/out
    mkdir -p t/var/lib/dpkg/info t/usr/share/doc/a/b && head -c 5000 /dev/zero >t/usr/share/doc/a/b/c
    printf '/.\n/usr/bin\n/bin/tool\n/usr/bin/same\n' >t/var/lib/dpkg/info/tools:arm64.list
    printf '/usr/share/doc/a/b/c\n' >t/var/lib/dpkg/info/doc.list
    printf x >"$(printf 't/etc/a\033[2Jb c\\d')"
    tar --sort=name --owner=3 --group=42 --numeric-owner --mtime=@86400 -C t -cf root.tar .
    printf x >plain
outputs: [root.tar, plain]
END
cat >"$p/recipes/card.yaml" <<'END'
kind: image
size: 128M
table: gpt
partitions:
  - {name: esp, type: esp, size: 40M, filesystem: vfat, mount: /boot}
  - {name: root-a, type: root-arm64, size: 32M, filesystem: ext4, mount: /}
  - {name: spare, type: linux-generic}
contents:
  - {unpack: base:root.tar}
  - {copy: "base:/etc/text", to: /boot/Long Name.txt}
END
cat >"$p/recipes/boot.yaml" <<'END'
kind: image
filesystem: vfat
size: 40M
contents: [{copy: "base:/usr", to: /dir}]
END
cat >"$p/recipes/nested.yaml" <<'END'
kind: run
inputs: [base]
run:
  - mkdir t && tar -C t -xf base/root.tar && mkdir s
  - 'printf n >"s/$(printf "new\nline")"'
  - mksquashfs t s/inner.sqfs -all-root -quiet -no-progress
  - gzip <base/root.tar >s/inner.tar.gz && mksquashfs s outer.sqfs -quiet -no-progress
outputs: [outer.sqfs]
END
cat >"$p/recipes/deb.yaml" <<'END'
kind: run
inputs: [base]
run:
  - mkdir -p d/DEBIAN d/opt && cp base/plain d/opt/plain
  - printf 'Package:%s\nVersion:%s\nArchitecture:%s\nMaintainer:%s\nDescription:%s\n' ' x' ' 1' ' all' ' x' ' x' >d/DEBIAN/control
  - dpkg-deb --root-owner-group -b d x.deb
outputs: [x.deb]
END
o() { "$orch" -C "$p" "$@"; }
image() { o image "$@"; }
sum() { image cat "$1" | sha256sum; }

code 'what was never built is told' 2 image ls base
check 'with the remedy' grep -q "'orch build base' makes it \[no-result\]" "$scratch/err"
check 'build' o build
image cp base:root.tar/usr/bin/tool "$scratch/tool"
want=$(sha256sum <"$scratch/tool")
same 'a tool is there' 100000 "$(stat -c %s "$scratch/tool")"

same 'a tree is listed' '-rwsr-xr-x 3:42 100000 1970-01-02 00:00 tool' \
	"$(image ls base:/usr/bin/tool | tr -s ' ')"
same 'and its top' 'bin -> usr/bin empty etc usr var' "$(image ls base | sed 's/.* ..:.. //' | paste -sd ' ')"
for at in base:/usr/bin/tool card:root-a/usr/bin/tool card:/root-a/bin/same boot:/dir/bin/tool \
	nested:/inner.sqfs/usr/bin/tool nested:/inner.sqfs/bin/tool nested:/inner.tar.gz/usr/bin/tool; do
	case $at in card:root-a/*) at=card:/${at#card:} ;; esac
	same "the bytes of $at" "$want" "$(sum "$at")"
done
same 'a partition of FAT, a long name' 'one two' "$(image cat 'card:/esp/Long Name.txt' | paste -sd ' ')"
same 'a package' x "$(image cat deb:/opt/plain)"
same 'a plain output' x "$(image cat base:plain)"
same 'partitions' 'esp root-a spare' "$(image ls card --json | jq -r '[.entries[].path] | join(" ")')"
same 'ext4 has owners and modes' '4755 3 42 2 86400' \
	"$(image ls card:/root-a/usr/bin/tool --json | jq -r '.entries[] | "\(.mode) \(.uid) \(.gid) \(.links) \(.mtime)"')"
same 'squashfs has modes, links and times' '0755 0 2 86400' \
	"$(image ls nested:/inner.sqfs/usr/bin/tool --json | jq -r '.entries[] | "\(.mode) \(.uid) \(.links) \(.mtime)"')"
same 'a pattern' '/usr/bin/same /usr/bin/tool' \
	"$(image ls 'nested:/inner.sqfs/**/bin/*' --json | jq -r '[.entries[].path] | sort | join(" ")')"
same 'an image in an image, and into it' 'bin empty etc usr var' \
	"$(image ls nested:/inner.sqfs/ --json | jq -r '[.entries[].path[1:]] | join(" ")')"
same 'without / it is a file' file "$(image ls nested:/inner.sqfs --json | jq -r '.entries[].type')"

image ls base:/etc >"$scratch/list"
lacks 'no escape byte of a name' "$(printf '\033')" "$scratch/list"
check 'but what it is' grep -qF 'a\x1b[2Jb c' "$scratch/list"
check 'in squashfs, too' sh -c '"$1" -C "$2" image ls nested:/inner.sqfs/etc | grep -qF "a\x1b[2Jb c"' sh "$orch" "$p"

same 'a newline in a name of squashfs' n "$(image cat 'nested:/new
line')"

code 'a link that leads out leads nowhere' 2 image cat base:/etc/out
code 'what is not there' 2 image ls card:/root-a/usr/nothing
check 'is named' grep -qF "'card': there is no '/usr/nothing' in this ext4 [tree-path-missing]" "$scratch/err"
code 'a partition that is not there' 2 image ls card:/root-b
check 'is told with those that are' grep -qF "the disk has no partition 'root-b', only 'esp', 'root-a', 'spare'" "$scratch/err"
code 'an output that is not there' 2 image ls base:root.img
check 'is told with those that are, too' grep -qF "no output 'root.img', only 'root.tar', 'plain'" "$scratch/err"
code 'a directory is no file' 2 image cat base:/usr
code 'an unknown verb' 2 image rm base

check 'a directory is copied' image cp card:/root-a/usr "$scratch/usr"
same 'without set-id bits, with its links' '755 2' "$(stat -c '%a %h' "$scratch/usr/bin/tool")"
same 'with its bytes' "$want" "$(sha256sum <"$scratch/usr/bin/tool")"
code 'what is there is not written over' 2 image cp card:/root-a/usr/bin/tool "$scratch/tool"
check 'into a directory' image cp card:/root-a/etc/text "$scratch/usr/bin"
same 'under its name' 'one' "$(head -n 1 "$scratch/usr/bin/text")"

# What takes room.
same 'by package, hard links once' 'tools 100000 1, doc 5000 1, (of no package) 66 4' \
	"$(o size base --json | jq -r '[.packages[] | "\(.name) \(.bytes) \(.files)"] | join(", ")')"
same 'by directory' '/usr/bin 100000, /usr/share/doc 5000, /var/lib/dpkg 57, /etc 9' \
	"$(o size base --json | jq -r '[.directories[] | "\(.name) \(.bytes)"] | join(", ")')"
for at in base card:/root-a nested:/inner.sqfs/; do
	same "both tables of $at sum up" true "$(o size "$at" --json | jq '.total.bytes as $t
		| [.packages, .directories] | map(map(.bytes) | add) == [$t, $t] and $t == 105066')"
done
same 'of a directory alone' 5000 "$(o size base:/usr/share --json | jq .total.bytes)"
code 'of a disk, a partition' 2 o size card
same 'a tree beside its image' 'the same' "$(o size base card:/root-a | sed -n '1s/.*: //p')"

# An older result, and a file that is no output.
cp "$p/out/card/card.img" "$scratch/c:ard.img"
same 'a file of this machine' "$want" "$(cd "$scratch" && "$orch" -C "$p" image cat "$scratch/c:ard.img:/root-a/usr/bin/tool" | sha256sum)"
sed -i "s/'one.ntwo.n'/'three\\\\n'/" "$p/recipes/base.yaml"
check 'build again' o build base
same 'what it made last' three "$(image cat base:/etc/text)"
same 'and what before' one "$(image cat base:/etc/text -r ^1 | head -n 1)"

sed -i 's/head -c 5000/head -c 7000/; s/head -c 100000/head -c 90000/; s|>t/var/lib/dpkg/info/doc.list|&; cp t/etc/text t/opt|' "$p/recipes/base.yaml"
sed -i 's|mkdir -p t/etc|mkdir -p t/opt t/etc|; s|cp t/etc/text t/opt|head -c 300 /dev/zero >t/opt/new|' "$p/recipes/base.yaml"
check 'and again' o build base
same 'what grew, what shrank' 'tools -10000, doc 2000, (of no package) 300' \
	"$(o size base ^1 --json | jq -r '[.packages[] | "\(.name) \(.grew)"] | join(", ")')"
same 'and where' '/usr/bin -10000, /usr/share/doc 2000, /opt 300' \
	"$(o size base ^1 --json | jq -r '[.directories[] | "\(.name) \(.grew)"] | join(", ")')"
same 'in all' -7700 "$(o size base ^1 --json | jq .total.grew)"
o size base ^1 >"$scratch/out"
check 'in words' grep -qE '^ *\+300 B +300 B +1 /opt \(new\)$' "$scratch/out"
code 'with an exit code' 3 o size base ^1 --exit-code
code 'of the same none' 0 o size base ^0 --exit-code

# Damaged and hostile: a message, no crash.
head -c 3000000 "$scratch/c:ard.img" >"$scratch/cut.img"
code 'a disk that was cut' 1 image ls "$scratch/cut.img:/root-a"
head -c 5000 "$p/out/nested/outer.sqfs" >"$scratch/cut.sqfs"
code 'a squashfs that was cut' 1 image ls "$scratch/cut.sqfs"
printf 'XFSB' >"$scratch/x" && head -c 4096 /dev/zero >>"$scratch/x"
code 'a file system of another sort' 7 image ls "$scratch/x"
finish
