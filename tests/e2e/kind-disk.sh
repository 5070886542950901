#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Kind disk: what other tools say of its tables, and of what it is shipped as.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$p/files/etc"
cd "$p" || exit 1
printf 'schema: 1\nname: demo\nversion: "1"\n' >recipes/project.yaml
echo "how do you do" >files/etc/greeting
head -c 9000 /dev/urandom >spl.bin
head -c 512 /dev/urandom >boot.bin
printf 'kind: image\nfilesystem: ext4\nsize: 16M\ncontents: [{copy: files/, to: /}]\n' >recipes/root.yaml
printf 'kind: image\nfilesystem: vfat\nsize: 8M\ncontents: [{copy: files/, to: /}]\n' >recipes/fat.yaml
cat >recipes/early.yaml <<'END'
kind: disk
gpt-entries: 56
reserved: [{name: spl, at: 8K, size: 24K, from: spl.bin}, {name: late, at: 12M, from: spl.bin}]
partitions:
  - {name: boot, type: esp, from: fat, at: 1064960}
  - {name: root, type: root-arm64, from: root, at: 16M}
END
cat >recipes/mbr.yaml <<'END'
kind: disk
table: mbr
reserved: [{name: code, at: 0, size: 512, from: boot.bin}]
partitions:
  - {name: boot, type: fat32-lba, from: fat, active: true}
  - {name: root, type: 0x83, from: root}
  - {name: swap, type: swap, size: 1M}
  - {name: one, type: linux, size: 1M}
  - {name: two, type: linux, size: 2M, filesystem: ext4}
END
cat >recipes/hybrid.yaml <<'END'
kind: disk
table: hybrid
gpt-entries-offset: 64K
reserved: [{name: spl, at: 1K, size: 32K, from: spl.bin}]
partitions:
  - {name: boot, type: esp, mbr-type: fat32-lba, from: fat}
  - {name: root, type: root-arm64, from: root}
END
cat >recipes/ship.yaml <<'END'
kind: disk
formats: [raw, zst, xz, bmap, qcow2]
reserved: [{name: spl, at: 32K, size: 64K, from: spl.bin}, {name: env, at: 1M, size: 32K}]
partitions:
  - {name: boot, type: esp, from: fat}
  - {name: root, type: root-arm64, from: root, size: 20M}
  - {name: other, type: root-arm64, size: 20M}
  - {name: data, type: linux-generic, size: 8M, filesystem: ext4, grow: true}
END
sed 's/\[raw, zst, xz, bmap, qcow2\]/[zst, bmap]/' recipes/ship.yaml >recipes/small.yaml
cat >recipes/facts.yaml <<'END'
kind: run
run: ["echo ${early#spl.at} ${early#root.start} ${mbr#two.number} ${mbr#two.start} ${mbr#two.guid} >facts"]
outputs: [facts]
END
check build "$orch" build

echo "# tables"
for name in early mbr hybrid; do
	check "sfdisk-$name" sh -c "sfdisk --verify out/$name/$name.img | grep -q 'No errors'"
	check "parted-$name" parted -s "out/$name/$name.img" unit s print
done
check sgdisk-early sh -c "sgdisk -v out/early/early.img | grep -q 'No problems'"
check sgdisk-hybrid sh -c "sgdisk -v -p out/hybrid/hybrid.img | grep -q 'begins at sector 128'"
same blob-at-8K "$(head -c 9000 spl.bin | sha256sum)" "$(dd if=out/early/early.img bs=1 skip=8192 count=9000 status=none | sha256sum)"
same boot-code "$(head -c 440 boot.bin | sha256sum)" "$(head -c 440 out/mbr/mbr.img | sha256sum)"
id=$(sfdisk -d out/mbr/mbr.img | sed -n 's/^label-id: 0x//p')
two=$(sfdisk -d out/mbr/mbr.img | sed -n 's/.*img6 : start= *\([0-9]*\),.*/\1/p')
same facts "8192 16777216 6 $((two * 512)) $id-06" "$(cat out/facts/facts)"
check logical-file-system e2fsck -fn "out/mbr/mbr.img?offset=$((two * 512))"
same what-is-in-a-partition "etc" "$("$orch" image ls mbr:/p2/ | sed 's/.* //' | grep etc)"

echo "# cards of them"
for name in early mbr hybrid; do
	truncate -s 96M "$scratch/card"
	check "flash-$name" "$orch" flash "$name" "$scratch/card" --yes
	check "card-$name" sh -c "sfdisk --verify '$scratch/card' | grep -q 'No errors'"
	[ "$name" = mbr ] || check "backup-$name" sh -c "sgdisk -v '$scratch/card' | grep -q 'No problems'"
	rm "$scratch/card"
done

echo "# formats"
check zst sh -c "zstd -dc out/ship/ship.img.zst | cmp - out/ship/ship.img"
check xz sh -c "xz -dc out/ship/ship.img.xz | cmp - out/ship/ship.img"
check qcow2 qemu-img check out/ship/ship.qcow2
check qcow2-is-equal qemu-img compare -f raw -F qcow2 out/ship/ship.img out/ship/ship.qcow2
same only-these "./small.img.bmap ./small.img.zst" "$(cd out/small && echo ./*.img*)"
check bmaptool bmaptool copy out/ship/ship.img "$scratch/card"
check bmaptool-zst bmaptool copy out/small/small.img.zst "$scratch/card2"
# bmaptool begins with an empty file; a card that was in use is one of these.
tr '\0' x </dev/zero | head -c "$(stat -c %s out/ship/ship.img)" >"$scratch/used"
sed -n 's/.*> \([0-9]*\)-*\([0-9]*\) <.Range>/\1 \2/p' out/ship/ship.img.bmap >"$scratch/ranges"
while read -r first last; do
	dd if=out/ship/ship.img of="$scratch/used" bs=4096 skip="$first" seek="$first" count=$((${last:-$first} - first + 1)) conv=notrunc status=none
done <"$scratch/ranges"
mib() { dd if="$1" bs=1M skip="$2" count="$3" status=none | sha256sum; }
check less-is-written sh -c "[ $(sed -n 's/.*<MappedBlocksCount> \([0-9]*\).*/\1/p' out/ship/ship.img.bmap) -lt 5000 ]"
check used-table sh -c "sgdisk -v '$scratch/used' | grep -q 'No problems'"
same used-fat "$(mib out/ship/ship.img 4 8)" "$(mib "$scratch/used" 4 8)"
check used-root e2fsck -fn "$scratch/used?offset=$((12 << 20))"
check used-data e2fsck -fn "$scratch/used?offset=$((52 << 20))"
same used-environment "" "$(dd if="$scratch/used" bs=32K skip=32 count=1 status=none | tr -d '\0')"
same used-file "$(cat files/etc/greeting)" "$(debugfs -R 'cat /etc/greeting' "$scratch/used?offset=$((12 << 20))" 2>/dev/null)"
same nothing-old-is-found "" "$(blkid -p -O $((32 << 20)) -S $((20 << 20)) -o value "$scratch/used")"

echo "# again"
sums=$(sha256sum out/ship/ship.[!p]*)
ORCH_STORE="$scratch/store2" "$orch" build ship >/dev/null 2>&1
same reproducible "$sums" "$(sha256sum out/ship/ship.[!p]*)"
finish
