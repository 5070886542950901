#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch diff of files that no recipe made: bytes between partitions, what is in directories, rights that
# appeared, names that would write to a terminal; and sizes that only a file without data has.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
export ORCH_STORE="$scratch/store"
cd "$scratch" || exit 1
# differs NAME A B: says so, by its exit status too; JSON in out.
differs() { code "$1" 3 "$orch" diff "$2" "$3" --exit-code --json; }

# A disk is more than its partitions: a boot loader lies before them.
truncate -s 16M one.img
printf 'label: gpt\nstart=2048,size=8192,name=root-a\nstart=12288,size=8192,name=root-b\n' | sfdisk -q one.img
cp one.img two.img
printf 'another loader' | dd of=two.img bs=512 seek=100 conv=notrunc status=none
printf 'x' | dd of=two.img bs=512 seek=11000 conv=notrunc status=none
differs 'bytes outside of partitions' ./one.img ./two.img
same 'are told with their place' 'before root-a: 4.0 KiB differ, at 48.0 KiB;before root-b: 4.0 KiB differ, at 5.4 MiB' \
	"$(jq -r '[.things[0].parts[0].partitions[] | "\(.name): \(.after)"] | join(";")' out)"
code 'the same disk' 0 "$orch" diff ./one.img ./one.img --exit-code
sfdisk -q --disk-id two.img 11111111-2222-3333-4444-555555555555
cp one.img three.img && sfdisk -q --disk-id three.img 11111111-2222-3333-4444-555555555555
differs 'the identity of a disk' ./one.img ./three.img
cp one.img four.img && printf 'size=4096\n' | sfdisk -q -N 2 four.img
differs 'a table that differs' ./one.img ./four.img
same 'is not told twice' 'root-b' "$(jq -r '[.things[0].parts[0].partitions[].name] | join(";")' out)"
cp one.img five.img && truncate -s 20M five.img
differs 'a larger disk' ./one.img ./five.img

# Directories below directories, and links.
mkdir -p d1/sub/deep d2/sub/deep
echo a | tee d1/x.txt >d2/x.txt
echo 1 >d1/sub/deep/f
echo 2 >d2/sub/deep/f
differs 'a file further below' ./d1 ./d2
same 'and which' sub/deep/f "$(jq -r '[.things[0].parts[] | select(.differs).name] | join(" ")' out)"
cp d1/sub/deep/f d2/sub/deep/f
code 'nothing below' 0 "$orch" diff ./d1 ./d2 --exit-code
ln -s x.txt d1/now && ln -s y.txt d2/now
differs 'a link' ./d1 ./d2
rm d2/now
differs 'a link that is gone' ./d1 ./d2
finish
