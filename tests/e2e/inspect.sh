#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch inspect: a card of a small product, and each damage that was done to a copy of it, is told.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$p/files/etc/rauc"
cd "$p" || exit 1
recipe() { cat >"recipes/$1.yaml"; } # NAME, text on stdin
printf 'schema: 1\nname: demo\nversion: "1"\ntimes: 2025-01-01\ndefault: [card, root, boot, device]\n' | recipe project
cat <<'END' | recipe root
kind: image
filesystem: ext4
size: 16M
contents: [{copy: files/, to: /}, {copy: pki/keyring.pem, to: /etc/rauc/keyring.pem}]
END
printf 'kind: image\nfilesystem: vfat\nsize: 8M\ncontents: [{copy: bootfs/, to: /}]\n' | recipe boot
cat <<'END' | recipe card
kind: disk
table: gpt
reserved:
  - {name: env, at: 1M, size: 16K}
  - {name: env-redundant, at: 2M, size: 16K}
partitions:
  - {name: boot, type: esp, from: boot}
  - {name: root-a, type: linux-generic, from: root}
  - {name: root-b, type: linux-generic, from: root}
  - {name: data, type: linux-generic, size: 16M, filesystem: ext4, grow: true}
END
cat <<'END' | recipe device
kind: device
disk: card
compatible: demo
bootloader: {type: uboot, environment: [env, env-redundant], tries: 3}
slots: {rootfs: {boot: {A: root-a, B: root-b}}}
state: {partition: data, paths: {/var/lib/app: {owner: root}}}
END
echo 'IMAGE_VERSION="1.0.0"' >files/etc/os-release
seq 90000 >files/etc/numbers
mkdir -p bootfs/overlays && seq 30000 >'bootfs/overlays/a long name.dtbo' && echo 'console=ttyS0' >bootfs/cmdline.txt
printf '[system]\ncompatible=demo\n[keyring]\npath=keyring.pem\n' >files/etc/rauc/system.conf
check 'keys' "$orch" pki init
code 'built' 0 "$orch" build
mkdir -p "$scratch/releases/1.0.0" "$scratch/releases/2.0.0"
cp out/root/root.img "$scratch/releases/1.0.0/root.img" && cp out/boot/boot.img "$scratch/releases/1.0.0/" && cp out/device/device.json "$scratch/releases/1.0.0/"
echo 'IMAGE_VERSION="2.0.0"' >files/etc/os-release
seq 2 90001 >files/etc/numbers
echo 'console=ttyS1' >bootfs/cmdline.txt
sed 3d pki/keyring.pem >files/damaged.pem && cat files/damaged.pem >>pki/keyring.pem && rm files/damaged.pem
code 'built again' 0 "$orch" build
cp out/root/root.img "$scratch/releases/2.0.0/root.img" && cp out/boot/boot.img "$scratch/releases/2.0.0/"

# A card as it was in the field: 1.0.0 in slot B, an environment that was saved twice.
cp out/card/card.img "$scratch/card.img"
cat >"$scratch/do.py" <<'END'
import json, struct, sys, zlib
card, what = sys.argv[1:3]
d = open(card, "r+b")
def env(at, flag, text):
    body = text.encode() + bytes(16384 - 5 - len(text))
    d.seek(at)
    d.write(struct.pack("<IB", zlib.crc32(body), flag) + body)
def flip(at):
    d.seek(at)
    b = d.read(1)
    d.seek(at)
    d.write(bytes([b[0] ^ 0xff]))
if what == "field":
    env(1 << 20, 3, "BOOT_ORDER=A B\0BOOT_A_LEFT=3\0BOOT_B_LEFT=3\0\0")
    env(2 << 20, 4, "BOOT_ORDER=B A\0BOOT_A_LEFT=3\0BOOT_B_LEFT=2\0\0")
    d.seek(int(sys.argv[3]))
    d.write(open(sys.argv[4], "rb").read())
elif what == "flip":
    flip(int(sys.argv[3]))
elif what == "poke":
    d.seek(int(sys.argv[3]))
    d.write(sys.argv[4].encode())
elif what == "find":
    d.seek(int(sys.argv[3]))
    print(d.read(16 << 20).index(b"\n12000\n") + int(sys.argv[3]))
elif what == "announce":
    d.seek(446)
    d.write(bytes(64))
elif what == "itself":
    d.seek(512)
    h = bytearray(d.read(92))
    h[32:40] = struct.pack("<Q", 1)
    h[16:20] = bytes(4)
    h[16:20] = struct.pack("<I", zlib.crc32(bytes(h)))
    d.seek(512)
    d.write(h)
elif what == "erase":
    d.seek(int(sys.argv[3]))
    d.write(b"\xff" * 16384)
elif what == "half":
    for at in range(int(sys.argv[3]), int(sys.argv[3]) + (16 << 20), 8192):
        d.seek(at)
        if any(d.read(4096)):
            d.seek(at)
            d.write(bytes([at // 8192 % 251 + 1]) * 4096)
elif what == "cut":
    d.truncate(int(sys.argv[3]))
elif what == "state":
    d.seek(int(sys.argv[3]) + 1024 + 0x60)
    incompat, = struct.unpack("<I", d.read(4))
    d.seek(int(sys.argv[3]) + 1024 + 0x60)
    d.write(struct.pack("<I", incompat | 4))
END
do_to() { python3 "$scratch/do.py" "$@"; }
start() { jq -r ".disk.partitions[] | select(.name == \"$1\").start" "$scratch/releases/1.0.0/device.json"; }
do_to "$scratch/card.img" field "$(start root-b)" "$scratch/releases/1.0.0/root.img"

# inspected CARD CODE: as JSON in $scratch/out.
inspected() { code "inspect $1" "$2" "$orch" inspect "$scratch/$1" --releases "$scratch/releases" --json --exit-code; }
told() { jq -r "$1" "$scratch/out"; }
part() { told ".partitions[] | select(.name == \"$1\") | $2"; }
inspected card.img 0
same 'both copies of the table' 'gpt true true true' \
	"$(told '.table | "\(.type) \(.primary.valid) \(.backup.valid) \(.equal)"')"
same 'which release is in which slot' 'A 2.0.0/root.img 2.0.0 0, B 1.0.0/root.img 1.0.0 0' \
	"$(told '[.partitions[] | select(.slot) | "\(.slot) \(.release) \(.version) \(.changed_blocks)"] | join(", ")')"
same 'a boot partition' 'vfat clean 2.0.0/boot.img 0' \
	"$(part boot '"\(.format) \(.filesystem) \(.release) \(.changed_blocks)"')"
same 'the copy that counts' '[false,true]' "$(told '[.environment.copies[].counts] | tojson')"
same 'its order' 'B A' "$(told .environment.order)"
same 'the state' 'true clean' "$(part data '"\(.state) \(.filesystem)"')"
same 'whom it trusts' "$(openssl x509 -in pki/keyring.pem -noout -enddate -dateopt iso_8601 | sed 's/notAfter=//; s/ .*//')" \
	"$(part root-a '.certificates[0].until')"
same 'and whether that is all' 'true false' "$(part root-a .keyring_unread) $(part root-b .keyring_unread)"
code 'for people' 0 "$orch" inspect "$scratch/card.img" --releases "$scratch/releases"
check 'the same in words' grep -q '^  is: 1.0.0/root.img$' "$scratch/out"
same 'what cannot be read of a keyring' 1 "$(grep -c '^  trusts: a certificate that cannot be read' "$scratch/out")"
code 'with the images of the project' 0 "$orch" inspect "$scratch/card.img" --json
same 'its runs' 'run:2:root run:1:root' "$(told '[.partitions[] | select(.slot).release] | join(" ")')"

code 'where nothing was built' 0 env ORCH_STORE="$scratch/empty" "$orch" inspect "$scratch/card.img" --json
same 'the device is that of the recipes' 'B A' "$(told .environment.order)"

damaged() { cp "$scratch/card.img" "$scratch/$1.img"; } # NAME
damaged flipped
do_to "$scratch/flipped.img" flip "$(do_to "$scratch/flipped.img" find "$(start root-a)")"
inspected flipped.img 3
same 'one block, of that file' 'null 2.0.0/root.img 1 /etc/numbers 4096' \
	"$(part root-a '"\(.release) \(.near) \(.changed_blocks) \(.files[0].path) \(.files[0].bytes)"')"
code 'for people' 0 "$orch" inspect "$scratch/flipped.img" --releases "$scratch/releases"
check 'near it' grep -q '^  near: 2.0.0/root.img$' "$scratch/out"
check 'one block differs' grep -q '^  1 block differs$' "$scratch/out"
# Who attacks a device leaves the contents as they are: only an inode differs.
damaged rights
in_partition() { # NAME PARTITION COMMANDS...: of debugfs, in a partition of a card
	dd if="$scratch/$1.img" of="$scratch/part.img" bs=512 skip=$(($(start "$2") / 512)) count=32768 status=none
	printf '%s\n' "$3" | debugfs -w -f - "$scratch/part.img" >"$scratch/debugfs" 2>&1
	dd if="$scratch/part.img" of="$scratch/$1.img" bs=512 seek=$(($(start "$2") / 512)) conv=notrunc status=none
}
in_partition rights root-a 'sif /etc/numbers mode 0104755'
in_partition rights root-b 'sif /etc/os-release uid 1000
write bootfs/cmdline.txt etc/planted'
inspected rights.img 3
inodes() { part "$1" '[.inodes[] | "\(.path) \(.change)"] | join("; ")'; }
same 'a set-id bit' '/etc/numbers mode 0644 -> 4755' "$(inodes root-a)"
same 'another owner' '/etc/os-release owner 0:0 -> 1000:0' "$(inodes root-b | tr ';' '\n' | sed 's/^ //; s/, times$//' | grep os-release)"
same 'a file that was planted' '/etc/planted only on the card' "$(inodes root-b | tr ';' '\n' | sed 's/^ //' | grep planted)"
code 'for people' 0 "$orch" inspect "$scratch/rights.img" --releases "$scratch/releases"
check 'in words' grep -q '^    inode of /etc/numbers: mode 0644 -> 4755$' "$scratch/out"
damaged boot
do_to "$scratch/boot.img" flip "$(do_to "$scratch/boot.img" find "$(start boot)")"
inspected boot.img 3
same 'one block of a FAT, of that file' 'null 2.0.0/boot.img 1 /overlays/a long name.dtbo 4096' \
	"$(part boot '"\(.release) \(.near) \(.changed_blocks) \(.files[0].path) \(.files[0].bytes)"')"
damaged mounted
do_to "$scratch/mounted.img" flip $(($(start boot) + 37))
inspected mounted.img 3
same 'a FAT that was not unmounted' 'was not unmounted 2.0.0/boot.img (file system)' \
	"$(part boot '"\(.filesystem) \(.near) \(.files[0].path)"')"
damaged wordless
do_to "$scratch/wordless.img" poke $(($(start boot) + 54)) '        '
inspected wordless.img 3
same 'a FAT that does not say the word' 'vfat clean 2.0.0/boot.img' "$(part boot '"\(.format) \(.filesystem) \(.near)"')"
damaged half
do_to "$scratch/half.img" half "$(start root-a)"
inspected half.img 3
same 'what has half of a release is none' 'null null 0' "$(part root-a '"\(.release) \(.near) \(.changed_blocks)"')"
damaged primary
do_to "$scratch/primary.img" flip 600
inspected primary.img 3
same 'the backup still tells all' 'false its header is damaged (check sum) true boot,root-a,root-b,data 1.0.0/root.img' \
	"$(told '"\(.table.primary.valid) \(.table.primary.why) \(.table.backup.valid) \([.partitions[].name] | join(",")) \(.partitions[2].release)"')"
damaged environment
do_to "$scratch/environment.img" flip $(((2 << 20) + 100))
inspected environment.img 3
same 'the other copy counts' 'true true, false false; A B' \
	"$(told '([.environment.copies[] | "\(.valid) \(.counts)"] | join(", ")) + "; " + .environment.order')"
damaged saved-once
do_to "$scratch/saved-once.img" erase $((1 << 20))
inspected saved-once.img 0
same 'a copy that was not saved yet is not damaged' 'false false, true true' \
	"$(told '[.environment.copies[] | "\(.valid) \(.saved)"] | join(", ")')"
cp out/card/card.img "$scratch/new.img"
inspected new.img 0
code 'for people' 0 "$orch" inspect "$scratch/new.img" --releases "$scratch/releases"
check 'in words' grep -q '^  copy 1: never saved$' "$scratch/out"
damaged unannounced
do_to "$scratch/unannounced.img" announce
inspected unannounced.img 3
same 'no protective MBR' false "$(told .table.protective)"
damaged itself
do_to "$scratch/itself.img" itself
inspected itself.img 3
same 'a table that is its own backup' 'true false' "$(told '.table | "\(.primary.valid) \(.backup.valid)"')"
damaged cut
do_to "$scratch/cut.img" cut $(($(start data) + 4096))
inspected cut.img 3
same 'a cut disk' 'true false true' "$(told '"\(.table.primary.valid) \(.table.backup.valid) \(.table.made_for > .table.size)"')"
same 'and its last partition' true "$(part data .cut)"
damaged larger
truncate -s +8M "$scratch/larger.img"
inspected larger.img 0
same 'a larger card' true "$(told '.table.size > .table.made_for')"
damaged dirty
do_to "$scratch/dirty.img" state "$(start data)"
inspected dirty.img 3
same 'a journal' 'was not unmounted: its journal is to be replayed' "$(part data .filesystem)"
damaged superblock
do_to "$scratch/superblock.img" flip $(($(start root-b) + 1024 + 8))
inspected superblock.img 3
same 'a file system that cannot be read is compared all the same' '1.0.0/root.img 1 (file system)' \
	"$(part root-b '"\(.near) \(.changed_blocks) \(.files[0].path)"')"
# What cannot be read of an image is told as what it is, and not as a part of it.
head -c 1000000 "$scratch/releases/1.0.0/root.img" >"$scratch/short.img"
code 'an image that is cut off' 1 "$orch" image ls "$scratch/short.img"
check 'as damage' grep -q "cannot be read: .*: run e2fsck on a copy \[filesystem-damaged\]" "$scratch/err"
mkdir -p "$scratch/spoilt/1.0.0" && cp "$scratch/releases/1.0.0/root.img" "$scratch/spoilt/1.0.0/"
inodes=$(debugfs -R 'imap <2>' "$scratch/spoilt/1.0.0/root.img" 2>"$scratch/debugfs" | sed -n 's/.* block \([0-9]*\), offset.*/\1/p')
do_to "$scratch/spoilt/1.0.0/root.img" flip $((inodes * 4096 + 256 + 8))
code 'a release that was damaged' 1 "$orch" inspect "$scratch/card.img" --releases "$scratch/spoilt"
check 'is no release with another table' grep -q "spoilt/1.0.0/root.img': '/' cannot be read: .*\[filesystem-damaged\]" "$scratch/err"
head -c 1000000 /dev/urandom >"$scratch/noise.img"
inspected noise.img 3
same 'no card' none "$(told .table.type)"
: >"$scratch/empty.img"
inspected empty.img 3
code 'nothing there' 2 "$orch" inspect "$scratch/missing.img"
finish
