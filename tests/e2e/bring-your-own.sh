#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Root file systems that others made: as a tar, an ext4, a squashfs and a partition of a disk image, each
# made here by the programs that other builders use, become one tree, or a slot as they are.
. tests/e2e/lib.sh
p=$scratch/p
export ORCH_STORE="$scratch/store"
mkdir -p "$p/recipes" "$p/vendor" "$p/files" "$scratch/root/etc" "$scratch/root/usr/bin" "$scratch/root/boot"
printf 'schema: 1\nname: demo\nversion: "1"\n' >"$p/recipes/project.yaml"

# What a vendor's root has: a link, a hard link, modes, a name with a space, a hole, a kernel.
cd "$scratch/root" || exit 1
echo 'ID=vendor' >etc/os-release
echo '#!/bin/sh' >usr/bin/tool
chmod 4755 usr/bin/tool
ln usr/bin/tool usr/bin/same
ln -s usr/bin bin
echo x >'etc/with space'
truncate -s 1M usr/hole
echo end >>usr/hole
head -c 300000 /dev/urandom >boot/zImage
find . -exec touch -h -d 2020-02-03T04:05:06Z {} +
cd "$OLDPWD" || exit 1
v=$p/vendor
# mke2fs gives the root directory its own time.
listing() { tar -tvf "$1" --numeric-owner --full-time | sed 's|[^ ]* [^ ]* \./$|./|' | sort -k6; }

check "a tar" tar -C "$scratch/root" --numeric-owner --owner=0 --group=0 -cJf "$v/root.tar.xz" .
check "an ext4 by mke2fs" sh -c 'truncate -s 32M "$1" && mke2fs -q -t ext4 -E root_owner=0:0 -d "$2" "$1"' sh \
	"$v/root.ext4" "$scratch/root"
check "a squashfs by mksquashfs" mksquashfs "$scratch/root" "$v/root.squashfs" -all-root -no-xattrs -quiet -no-progress
check "a disk" sh -c 'truncate -s 48M "$1" && printf "label: gpt\nstart=4096,size=65536,name=system\nname=data\n" |
	sfdisk -q "$1" && dd if="$2" of="$1" bs=512 seek=4096 conv=notrunc status=none' sh "$v/card.wic" "$v/root.ext4"
for name in root.ext4 root.squashfs card.wic; do
	cat >"$p/recipes/${name%.*}-${name#*.}.yaml" <<END
kind: fetch
url: file://$v/$name
sha256: $(sha256sum "$v/$name" | cut -d' ' -f1)
END
done
# mke2fs -d keeps the builder's numbers, which are not of the device.
owners='modes: {/**: "0:0"}'
printf 'kind: tree\narch: amd64\ncontents: [{unpack: vendor/root.tar.xz}]\n' >"$p/recipes/of-tar.yaml"
printf 'kind: tree\narch: amd64\ncontents: [{unpack: root-ext4}]\n%s\n' "$owners" >"$p/recipes/of-ext4.yaml"
printf 'kind: tree\narch: amd64\ncontents: [{unpack: root-squashfs}]\n' >"$p/recipes/of-squashfs.yaml"
printf 'kind: tree\narch: amd64\ncontents: [{unpack: "card-wic:/system"}]\n%s\n' "$owners" >"$p/recipes/of-disk.yaml"
printf 'kind: tree\narch: amd64\ncontents: [{unpack: vendor/root.ext4}]\n%s\n' "$owners" >"$p/recipes/of-file.yaml"
code "all of them" 0 "$orch" -C "$p" build of-tar of-ext4 of-squashfs of-disk of-file --progress plain
listing "$p/out/of-tar/root.tar" >"$scratch/tar"
check "there is something" grep -q -- '-rwsr-xr-x 0/0 .*usr/bin/' "$scratch/tar"
for name in ext4 squashfs disk file; do
	listing "$p/out/of-$name/root.tar" >"$scratch/$name"
	check "of-$name is the tree of the tar" test -s "$scratch/$name" -a -s "$scratch/tar"
	check "of-$name has its names" diff -u "$scratch/tar" "$scratch/$name"
	check "of-$name has its bytes" sh -c 'mkdir "$3" && tar -C "$3" -xf "$1" && diff -r --no-dereference "$2" "$3"' sh \
		"$p/out/of-$name/root.tar" "$scratch/root" "$scratch/x-$name"
done

# One file out of each, in any kind that takes a place inside a tree.
cat >"$p/recipes/parts.yaml" <<'END'
kind: image
filesystem: vfat
size: 16M
contents:
  - {copy: "card-wic:/system/boot/zImage", to: /}
  - {copy: "root-squashfs:/boot/zImage", to: /two}
END
printf 'kind: run\ninputs: ["card-wic:/system/boot/zImage", "root-ext4:/etc"]\nrun: ["cat zImage etc/os-release >o"]\noutputs: [o]\n' \
	>"$p/recipes/step.yaml"
code "files out of images" 0 "$orch" -C "$p" build parts step
cat "$scratch/root/boot/zImage" "$scratch/root/etc/os-release" >"$scratch/expected"
check "the step's" cmp "$scratch/expected" "$p/out/step/o"
check "the partition's" sh -c '"$0" -C "$1" image cat parts:/zImage | cmp - "$2"' "$orch" "$p" "$scratch/root/boot/zImage"
check "the squashfs'" sh -c '"$0" -C "$1" image cat parts:/two | cmp - "$2"' "$orch" "$p" "$scratch/root/boot/zImage"

# What reads a squashfs is in the key, in steps as in trees.
printf 'kind: run\ninputs: ["root-squashfs:/etc"]\nrun: ["cat etc/os-release >o"]\noutputs: [o]\n' >"$p/recipes/read.yaml"
same "a step reads a squashfs" read "$(built "$p" read)"
same "and once" "" "$(built "$p" read)"
mkdir "$scratch/other"
printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v unsquashfs)" >"$scratch/other/unsquashfs"
chmod 755 "$scratch/other/unsquashfs"
same "with another program it is another node" read "$(PATH=$scratch/other:$PATH built "$p" read)"

# As it is, in slots of a disk.
cat >"$p/recipes/disk.yaml" <<'END'
kind: disk
table: gpt
partitions:
  - {name: a, type: linux-generic, from: root-ext4, size: 40M}
  - {name: b, type: linux-generic, from: vendor/root.ext4, size: 40M}
END
code "a disk of it" 0 "$orch" -C "$p" build disk
check "the slot is the vendor's" sh -c 'dd if="$1" bs=1M skip=1 count=32 status=none | cmp - "$2"' sh \
	"$p/out/disk/disk.img" "$v/root.ext4"

# What cannot be right is told.
refused() { # NAME EXPECTED CONTENTS [EXIT]
	printf 'kind: tree\narch: amd64\ncontents: [%s]\n' "$3" >"$p/recipes/bad.yaml"
	code "$1" "${4:-7}" "$orch" -C "$p" build bad --progress plain
	check "$1: says why" grep -qF -e "$2" "$scratch/err"
}
refused "a disk without a partition" "'card.wic' is a disk: name a partition, as in 'card-wic:/system'" '{unpack: card-wic}' 2
refused "no such partition" "the disk has no partition 'root', only 'system', 'data'" '{unpack: "card-wic:/root"}' 2
refused "an empty partition" "holds no file system that orch can read" '{unpack: "card-wic:/data"}'
refused "no such file" "there is no '/system/nope' in the image of 'card-wic'" '{copy: "card-wic:/system/nope", to: /}' 2
refused "a directory of the project" "not a directory of the project: write 'copy'" '{unpack: files/}' 2
cp "$v/root.squashfs" "$v/plain.img"
refused "a squashfs by another name" "give it a name that ends in .squashfs" '{unpack: vendor/plain.img}'
head -c 100000 "$v/root.ext4" >"$v/cut.ext4"
refused "a cut ext4" "cut.ext4" '{unpack: vendor/cut.ext4}' 1
setfattr -n user.x -v y "$scratch/root/usr/bin/tool"
check "a squashfs with attributes" mksquashfs "$scratch/root" "$v/attr.squashfs" -all-root -quiet -no-progress
refused "attributes that would be lost" "extended attributes, such as capabilities" '{unpack: vendor/attr.squashfs}'
finish
