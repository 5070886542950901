#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch flash: onto files that stand for cards. What is refused, what is written, and that it is read back.
. tests/e2e/lib.sh
tests=$PWD/tests/e2e
mkdir -p "$scratch/p/recipes"
cd "$scratch/p" || exit 1
export ORCH_STORE="$scratch/store"
copy_orch "$ORCH_ASAN" "$scratch"
orch=$scratch/orch
printf 'schema: 1\nname: flash\nversion: "1"\n' >recipes/project.yaml
printf 'kind: disk\npartitions:\n  - {name: data, type: linux-generic, size: 24M, filesystem: ext4}\n' >recipes/card.yaml
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: []\n' >recipes/slot.yaml
printf 'kind: run\nrun: ["echo x >x"]\noutputs: [x]\n' >recipes/file.yaml
check build "$orch" build card slot file
image=out/card/card.img
size=$(stat -c %s $image)

echo "# what is refused"
code not-there 2 "$orch" flash card "$scratch/none" --yes
check not-made test ! -e "$scratch/none"
truncate -s 1M "$scratch/small"
code too-small 2 "$orch" flash card "$scratch/small" --yes
code no-disk 2 "$orch" flash card /dev/null --yes
code a-directory 2 "$orch" flash card "$scratch" --yes
truncate -s 64M "$scratch/not-mine"
chmod 444 "$scratch/not-mine"
code not-writable 7 "$orch" flash card "$scratch/not-mine" --yes
check says-how-to-get-at-it grep -q "sudo setfacl -m u:NAME:rw $scratch/not-mine" "$scratch/err"
head -c 40M /dev/urandom >"$scratch/card"
cp "$scratch/card" "$scratch/before"
code no-answer 2 sh -c "'$orch' flash card '$scratch/card' </dev/null"
check says-what-to-do grep -q -e --yes "$scratch/err"
code no-partition-table 2 "$orch" flash slot "$scratch/card" --yes
code no-image 2 "$orch" flash file "$scratch/card" --yes
python3 "$tests/terminal.py" "go on=card1\r" -- "$orch" flash card "$scratch/card" >"$scratch/out"
same another-name-typed 'exit 2' "$(grep ^exit "$scratch/out")"
check nothing-was-written cmp "$scratch/card" "$scratch/before"

echo "# what there is"
code lists 0 "$orch" flash --list
check headings grep -q '^DEVICE .*FLASH$' "$scratch/out"
code lists-for-a-node 0 "$orch" flash --list card --json
check is-json jq -e '.v == 1 and (.disks | type == "array")' "$scratch/out"
same root-is-in-use '' "$(jq -r --arg root "/dev/$(lsblk -no pkname "$(findmnt -no SOURCE /)" 2>/dev/null | head -n 1)" \
	'.disks[] | select(.device == $root and .usable) | .device' "$scratch/out")"
code lists-for-no-node 2 "$orch" flash --list nothing
code one-argument 2 "$orch" flash card

echo "# what is written"
code onto-old-data 0 "$orch" flash card "$scratch/card" --yes
# The table's copies move; all between them is the image, holes included.
check image-is-on-it cmp -n $((size - 17 * 1024 * 2)) -i 17408 $image "$scratch/card"
code backup-is-at-the-end 0 sfdisk --verify "$scratch/card"
cat "$scratch/err" >>"$scratch/out"
lacks no-complaint '[Bb]ackup|[Cc]orrupt' "$scratch/out"
same last-block $((40 * 2048 - 34)) "$(sfdisk -d "$scratch/card" | sed -n 's/^last-lba: //p')"
same all-behind-it-is-kept 0 "$(cmp -s -n $((1024 * 1024)) -i $((size + 2097152)) "$scratch/card" "$scratch/before"; echo $?)"
cp $image "$scratch/exact"
printf x | dd of="$scratch/exact" bs=1 seek=9000000 conv=notrunc 2>/dev/null
code onto-a-card-of-its-size 0 "$orch" flash card "$scratch/exact" --yes
check is-the-image cmp $image "$scratch/exact"
python3 "$tests/terminal.py" "go on=card\r" -- "$orch" flash card "$scratch/card" >"$scratch/out"
same name-typed 'exit 0' "$(grep ^exit "$scratch/out")"
check shows-progress grep -q 'reading back 100 %' "$scratch/out"

finish
