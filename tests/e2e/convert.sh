#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch convert genimage: the tables of the disks that it describes are those that genimage makes.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
have=$(command -v genimage || true)
[ -n "$have" ] || skip "comparison: no genimage here"

# tables IMAGE: numbers, places and types, of both tables of a hybrid one.
tables() {
	sfdisk -d "$1" | sed -n 's/^.*[a-z]\([0-9]*\) : /\1 /p' | sed 's/uuid=[^,]*, *//; s/, attrs=.*//' | tr '[:lower:]' '[:upper:]'
	sfdisk -Y dos -d "$1" | sed -n 's/^.*\([0-9]*\) : start=/start=/p'
}

# like NAME [NODE IMAGE]: the configuration on stdin, converted and built; the tables are equal.
like() {
	rm -rf "$scratch/p"
	mkdir -p "$scratch/p/input" "$scratch/p/root/etc" "$scratch/p/made" "$scratch/p/tmp"
	cd "$scratch/p" || exit 1
	echo hello >root/etc/greeting
	head -c 9000 /dev/zero | tr '\0' s >input/spl.bin
	head -c 440 /dev/zero | tr '\0' c >input/boot.bin
	cat >x.cfg
	check "convert-$1" "$orch" convert genimage x.cfg
	cp "$scratch/check.out" notes
	check "build-$1" "$orch" build disk
	[ -n "$have" ] || return 0
	check "genimage-$1" genimage --config x.cfg --inputpath input --rootpath root --outputpath made --tmppath tmp
	same "$1" "$(tables made/disk.img)" "$(tables out/disk/disk.img)"
}
like gpt <<'END'
image disk.img {
	hdimage { partition-table-type = "gpt" align = 1M }
	partition spl { in-partition-table = false offset = 32K image = "spl.bin" }
	partition boot { partition-type-uuid = U offset = 4M size = 8M bootable = true }
	partition root-a { size = 16M }
	partition root-b { size = 16M partition-type-uuid = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709" }
}
END
same blob "$(sha256sum <input/spl.bin)" "$(dd if=out/disk/disk.img bs=1000 count=9 skip=32768 iflag=skip_bytes status=none | sha256sum)"
like gpt-moved <<'END'
image disk.img {
	hdimage { partition-table-type = gpt gpt-location = 768K }
	partition spl { in-partition-table = "no" offset = 1K image = "spl.bin" size = 64K }
	partition rescue { offset = 2M size = 1M }
	partition a { align = 2M size = 8M }
	partition b { align = 4M size = 8M partition-type-uuid = S }
	partition small { size = 128K }
}
END
like gpt-rest <<'END'
image disk.img {
	size = 64M
	hdimage { gpt = true }
	partition one { offset = 1M size = 4M partition-type-uuid = F }
	partition rest { autoresize = true }
}
END
like mbr <<'END'
# a BIOS disk
image disk.img {
	hdimage { }
	partition code { in-partition-table = no image = "boot.bin" offset = 0 size = 440 }
	partition core { in-partition-table = no image = "spl.bin" offset = 512 }
	partition boot { partition-type = 0xC bootable = "true" size = 4M offset = 32K }
	partition root { partition-type = 0x83 size = 10M }
}
END
like mbr-logical <<'END'
image disk.img {
	hdimage { align = 1M }
	partition p1 { partition-type = 0x83 size = 1M }
	partition p2 { partition-type = 0x82 size = 2M }
	partition p3 { partition-type = 0x83 size = 3M }
	partition p4 { partition-type = 0x83 size = 1M }
	partition p5 { partition-type = 0x0b size = 5M }
	partition p6 { partition-type = 0x83 size = 1M }
}
END
like hybrid <<'END'
image disk.img {
	hdimage { partition-table-type = "hybrid" }
	partition boot { partition-type-uuid = F partition-type = 0x0c bootable = true size = 8M offset = 1M }
	partition root { size = 8M }
	partition data { size = 1M partition-type = 0x83 align = 1M }
}
END
like vfat <<'END'
image boot.vfat {
	vfat { label = "BOOT" files = { "spl.bin", "boot.bin" } file "sub" { image = "spl.bin" } }
	size = 8M
}
image disk.img {
	hdimage { }
	partition boot { partition-type = 0xc image = "boot.vfat" }
}
END
same fat-label BOOT "$(blkid -p -O 512 -o value -s LABEL out/disk/disk.img)"
like filesystems <<'END'
image root.ext4 { ext4 { label = "root" } size = 16M }
image data.img { file { name = "boot.bin" } }
image disk.img {
	hdimage { partition-table-type = gpt }
	partition root { image = "root.ext4" offset = 1M }
	partition blob { image = "spl.bin" size = 12K }
}
END
same content hello "$(debugfs -R 'cat /etc/greeting' 'out/disk/disk.img?offset=1048576' 2>/dev/null)"

# identities IMAGE: those of the table, as it has them.
identities() { sfdisk -d "$1" | sed -n 's/^label-id: //p; s/.* uuid=\([^,]*\).*/\1/p' | tr '[:lower:]' '[:upper:]'; }
like uuids <<'END'
image disk.img {
	hdimage { partition-table-type = gpt disk-uuid = "afcfea87-e41a-40e0-85ae-295c60773c7a" }
	partition one { size = ${NO_SUCH_VARIABLE:-2M} partition-uuid = "92762261-e854-45c1-b4c9-fc5e752034ab" }
	partition two { size = 1M partition-uuid = "41061242-1D5A-4657-892D-FCC1FDB11A6C" }
}
END
same ids "AFCFEA87-E41A-40E0-85AE-295C60773C7A 92762261-E854-45C1-B4C9-FC5E752034AB 41061242-1D5A-4657-892D-FCC1FDB11A6C" \
	"$(identities out/disk/disk.img | tr '\n' ' ' | sed 's/ $//')"
[ -z "$have" ] || same ids-of-genimage "$(identities made/disk.img)" "$(identities out/disk/disk.img)"
like signature <<'END'
image disk.img {
	hdimage { disk-signature = 0x01234567 }
	partition one { size = 2M partition-type = 0x83 image = "boot.bin" }
}
END
same signature 0X01234567 "$(identities out/disk/disk.img)"
printf 'kind: run\nroot: host\nrun: ["echo ${disk#one.guid} >o"]\noutputs: [o]\n' >recipes/fact.yaml
check fact-is-made "$orch" build fact
same fact 01234567-01 "$(cat out/fact/o)"

echo "# what has no counterpart"
cd "$scratch" && rm -rf p && mkdir p && cd p || exit 1
cat >x.cfg <<'END'
image disk.img {
	hdimage { disk-signature = random }
	partition a { partition-type = 0x83 size = 1M hidden = true holes = {"(0; 1k)"} }
}
image root.ubifs { ubifs { extraargs = "-x" } }
flash nand { pebsize = 16384 }
END
"$orch" convert genimage x.cfg >made 2>notes
same notes "x.cfg:3: 'hidden' has no counterpart
x.cfg:3: 'holes' has no counterpart
x.cfg:2: 'disk-signature = random' is not a number: one is derived from names
x.cfg:5: image 'root.ubifs': 'ubifs' has no counterpart: make it in a 'run' node
x.cfg:6: 'flash' has no counterpart" "$(cat notes)"
check planned "$orch" plan
code never-over-a-recipe 2 "$orch" convert genimage x.cfg
printf 'image a {\n\thdimage { align = \n}' >bad.cfg
code broken 2 "$orch" convert genimage bad.cfg
check place grep -q 'bad.cfg:3:1: a value is missing' "$scratch/err"
finish
