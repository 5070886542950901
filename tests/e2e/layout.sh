#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Layout locks: what stays in an image is where a released one had it.
. tests/e2e/lib.sh
p=$scratch/p
mkdir -p "$p/recipes" "$p/files"
cd "$p" || exit 1
export ORCH_STORE="$scratch/store" LC_ALL=C.UTF-8
copy_orch "$ORCH_ASAN" "$scratch"
orch=$scratch/orch
says() { check "$1" grep -q -- "$2" "$scratch/err"; }
logs() { # NAME TEXT: what the log of the image says
	"$orch" log root >"$scratch/log" 2>&1
	check "$1" grep -q -- "$2" "$scratch/log"
}
bytes() { head -c "$1" /dev/urandom; } # COUNT
recipe() { # [LINE]
	printf 'kind: image\nfilesystem: ext4\nsize: 16M\ncontents: [{copy: files, to: /}]\n' >recipes/root.yaml
	[ $# = 0 ] || echo "$1" >>recipes/root.yaml
}
build() { "$orch" build root --progress quiet >"$scratch/out" 2>"$scratch/err" && cp out/root/root.img "$scratch/$1.img"; } # NAME
# differ A B: how many blocks of 4 KiB do.
differ() {
	python3 -c 'import sys
a, b = (open(f, "rb").read() for f in sys.argv[1:])
print(sum(a[i:i + 4096] != b[i:i + 4096] for i in range(0, len(a), 4096)))' "$scratch/$1.img" "$scratch/$2.img"
}
# places IMAGE: "PATH INODE FIRST-BLOCK" of each file in it.
places() {
	find files -type f -printf '%P\n' | sort | while read -r file; do
		place=$(debugfs -R "stat \"/$file\"" "$scratch/$1.img" 2>/dev/null |
			sed -n -E 's/^Inode: ([0-9]+) .*/\1/p; s/^\(0[-0-9]*\):([0-9]+).*/\1/p' | paste -sd ' ')
		[ -z "$place" ] || echo "$file $place"
	done
}
# known: how many lines of the lock are about something.
known() { echo $(($(wc -l <recipes/root.layout) - 3)); }
printf 'schema: 1\nname: layout\nversion: "1"\n' >recipes/project.yaml
for i in $(seq 1 60); do
	mkdir -p files/d$((i % 7))
	bytes $((i * 3000 + 100)) >"files/d$((i % 7))/f$i"
done
bytes 9000 >"files/d1/with space, ü and more"
ln files/d1/f1 files/d2/same
recipe
check build build a
code lock 0 "$orch" lock --layout root
check says-what-to-do grep -qx "wrote recipes/root.layout: name it in recipes/root.yaml as its 'layout'" "$scratch/out"
same digest "digest $(sed '$d' recipes/root.layout | sha256sum | cut -d' ' -f1)" "$(tail -n 1 recipes/root.layout)"
same as-debugfs-has-it "$(places a | grep '^d3/f24 ')" "$(sed -n -E 's/^([0-9]+) ([0-9]+) [0-9]+ "(d3\/f24)"$/\3 \1 \2/p' recipes/root.layout)"
cp recipes/root.layout "$scratch/locked"
recipe 'layout: recipes/root.layout'
check with-the-lock build b
check same-bytes cmp "$scratch/a.img" "$scratch/b.img"
logs nothing-moved "of $(known) files and directories that the layout lock has, 0 moved"
code locked-again 0 "$orch" lock --layout root
check is-the-same cmp recipes/root.layout "$scratch/locked"
check says-where grep -qx 'wrote recipes/root.layout' "$scratch/out"

echo "# a later image"
echo new >files/d1/new
bytes 8192 >files/d4/middle
rm files/d3/f3
bytes 200 >>files/d5/f5
bytes 90000 >>files/d2/f9
check later build c
code sound 0 e2fsck -fn "$scratch/c.img"
logs one-had-no-room "of $(($(known) - 1)) files and directories that the layout lock has, 1 moved"
places a | grep -v -E '^d2/f9 |^d3/f3 ' >"$scratch/before"
places c | grep -v -E '^d2/f9 |^d1/new |^d4/middle ' >"$scratch/after"
check all-others-are-where-they-were diff "$scratch/before" "$scratch/after"
with=$(differ a c)
recipe
check without-it build d
without=$(differ a d)
check fewer-blocks-differ test "$with" -lt "$without"
echo "# $with blocks with the lock, $without without"

echo "# a full one"
rm -rf files && mkdir files
for i in $(seq 1 40); do bytes 290000 >"files/f$i"; done
check full build e
logs is-laid-out-in-order 'one after the other'
code its-lock 0 "$orch" lock --layout root
recipe 'layout: recipes/root.layout'
echo first >files/a
check one-more build f
code sound-too 0 e2fsck -fn "$scratch/f.img"
logs all-stay "of $(known) files and directories that the layout lock has, 0 moved"
with=$(differ e f)
recipe
check one-more-without build g
check that-would-move-all test "$((with * 50))" -lt "$(differ e g)"

echo "# what is no lock of it"
note() { # NAME TEXT
	check "$1" build h
	code "$1: sound" 0 e2fsck -fn "$scratch/h.img"
	logs "$1: is noted" "$2"
	recipe
	build i
	recipe 'layout: recipes/root.layout'
	check "$1: as without" cmp "$scratch/h.img" "$scratch/i.img"
}
cp recipes/root.layout "$scratch/locked"
recipe 'layout: recipes/root.layout'
sed -i '4s/^[0-9]*/99/' recipes/root.layout
note changed "not used, for its digest is that of another text: write it again with 'orch lock --layout root'"
head -n 5 "$scratch/locked" >recipes/root.layout
note cut 'not used, for it is cut'
: >recipes/root.layout
note empty 'not used, for it is not a layout lock'
# hostile LINE...: a lock that is whole and means nothing.
hostile() {
	printf '%s\n' "$@" >recipes/root.layout
	echo "digest $(sha256sum <recipes/root.layout | cut -d' ' -f1)" >>recipes/root.layout
}
head="orch layout 1"
of="$(sed -n 2p "$scratch/locked")"
hostile "$head" "$of" '12 5 1 "f1"' '12 5 1 "f2"' '12 5 4000 "f3"' '1024 4095 1 "f4"' '13 0 1 "f5"'
check lies build j
code lies-are-sound 0 e2fsck -fn "$scratch/j.img"
hostile "$head" "$of" '12 5 99999999 "f1"'
note beyond 'not used, for a line of it is damaged'
hostile "$head" "$of" '12 5 1 "f2"' '12 5 1 "f1"'
note unsorted 'not used, for its lines are not sorted'
hostile "orch layout 2" "$of"
note newer 'not used, for its format is not known to this orch'
cp "$scratch/locked" recipes/root.layout
sed -i 's/16M/17M/' recipes/root.yaml
check other-size build k
logs other-size-is-noted 'the layout lock is of a file system of another size'

echo "# what is refused"
refused() { # NAME TEXT
	code "$1" 2 "$orch" plan root
	says "$1: why" "$2"
}
printf 'kind: image\nfilesystem: vfat\nsize: 16M\ncontents: [{copy: files, to: /}]\nlayout: recipes/root.layout\n' >recipes/root.yaml
refused vfat "root.yaml:5:9: 'layout' is for an image that is one ext4"
code lock-of-vfat 2 "$orch" lock --layout root
printf 'kind: image\nfilesystem: ext4\nsize: auto\ncontents: [{copy: files, to: /}]\nlayout: recipes/root.layout\n' >recipes/root.yaml
refused auto "root.yaml:5:9: 'layout' is for an image"
recipe 'layout: recipes/none.layout'
refused missing "root.yaml:5:9: .*recipes/none.layout"
recipe
code no-node 2 "$orch" lock --layout
code no-such-node 2 "$orch" lock --layout rooot
says near "rooot"
printf 'kind: run\nrun: ["echo x >x"]\noutputs: [x]\n' >recipes/file.yaml
code no-image 2 "$orch" lock --layout file
says why "node 'file' has no layout to lock: that is for an image that is one ext4"
finish
