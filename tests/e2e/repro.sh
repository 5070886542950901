#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Built again in other surroundings: what is the same, what writes the time, what is random, in which file
# of which package, on which partition.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$p/files/var/lib/dpkg/info" "$p/files/usr/bin"
cd "$p" || exit 1
recipe() { cat >"recipes/$1.yaml"; } # NAME, text on stdin
printf 'schema: 1\nname: again\ntimes: 1704067200\ndefault: [same]\n' | recipe project
printf '/.\n/usr/bin/app\n' >files/var/lib/dpkg/info/app.list
echo app >files/usr/bin/app
# step NAME COMMAND: a node that makes one file
step() { printf 'kind: run\nrun: |\n  %s\noutputs: [o]\n' "$2" | recipe "$1"; }
step same 'echo the same >o; umask >>o; locale 2>/dev/null | head -n 1 >>o || :'
step clock 'echo made by me; date +%s >o'
step random 'od -An -N16 -tx1 /dev/urandom >o'
step order 'seq 1 60 | shuf >o'
step cpus 'nproc >o'
printf 'kind: tree\narch: %s\ncontents: [{copy: files, to: /}, {copy: "clock:o", to: /usr/bin/app}]\n' \
	"$(dpkg --print-architecture)" | recipe tree
printf 'kind: image\nfilesystem: ext4\nsize: 16M\ncontents: [{unpack: "tree:root.tar"}]\n' | recipe root
printf 'kind: disk\ntable: gpt\npartitions: [{name: root-a, type: linux-generic, from: root}]\n' | recipe card

# An image with several causes in it.
step noise 'head -c 4096 /dev/urandom >o'
printf 'kind: image\nfilesystem: ext4\nsize: 16M\ncontents: [{copy: "clock:o", to: /a/time.txt}, {copy: "order:o", to: /ord.txt}]\n' | recipe ext
printf 'kind: image\nfilesystem: vfat\nsize: 8M\ncontents: [{copy: "noise:o", to: /noise}]\n' | recipe fat
printf 'kind: disk\ntable: gpt\npartitions: [{name: one, type: linux-generic, from: ext}, {name: two, type: esp, from: fat}, {name: three, type: linux-generic, size: 8M, filesystem: ext4}]\n' | recipe several

step big 'head -c 6000000 /dev/zero >o; od -An -N16 -tx1 /dev/urandom >>o'
printf 'kind: tree\narch: %s\ncontents: [{copy: "big:o", to: /usr/share/}]\n' \
	"$(dpkg --print-architecture)" | recipe far

code the-same 0 "$orch" repro same
check all-of-it grep -qx '1 output bit-identical' "$scratch/out"
code all-others 3 "$orch" repro clock random order card far --json
# cause NODE
cause() { jq -r --arg n "$1" '.differences[] | select(.node == $n).cause' "$scratch/out"; }
same time time "$(cause clock)"
same randomness 'randomness?' "$(cause random)"
same far-into-a-file 'randomness?' "$(cause far)"
same order order "$(cause order)"
same where 'root-a /usr/bin/app content app time' \
	"$(jq -r '.differences[] | select(.node == "card") | [.partition, .file, .what, .package, .cause] | join(" ")' "$scratch/out")"
# same_inputs NODE
same_inputs() { jq --arg n "$1" '.differences[] | select(.node == $n)."same-inputs"' "$scratch/out"; }
same its-own-fault true "$(same_inputs clock)"
same not-its-own false "$(same_inputs card)"
code several-causes 3 "$orch" repro several --json
same all-of-them 'one /a/time.txt content time;one /ord.txt content order;two /noise content randomness?' \
	"$(jq -r '[.differences[] | select(.node == "several").places[] | "\(.partition) \(.file) \(.what) \(.cause)"] | join(";")' "$scratch/out")"
same each-partition 'one two' "$(jq -r '[.differences[] | select(.node == "several").partitions[].name] | join(" ")' "$scratch/out")"
code the-same-in-words 3 "$orch" repro several
sed -n '/^several: /,/^$/p' "$scratch/out" | sed -n '/^  blocks/!s/^  \(partition\|file\) */\1 /p' | sed 's/: [0-9]* blocks*$//' >"$scratch/words"
same of-each-partition-and-file "partition one|file /a/time.txt: content; cause: time|file /ord.txt: content; cause: order|\
partition two|file /noise: content; cause: randomness?" "$(paste -sd '|' "$scratch/words")"
if [ "$(nproc)" -gt 1 ]; then
	code one-processor 3 "$orch" repro cpus
	check why grep -q '^  cause *number of processors$' "$scratch/out"
	check says-so grep -q '^cpus: o differs' "$scratch/out"
fi
# What a shared place has is no second build, whoever says where it is.
mkdir -p "$scratch/etc/orch"
printf 'remote: {cache: ["file://%s/shared"], mode: write}\n' "$scratch" >"$scratch/etc/orch/config.yaml"
step shared 'od -An -N15 -tx1 /dev/urandom >o'
echo 'share: true' >>recipes/shared.yaml # however little work it was
code from-a-shared-cache 3 env XDG_CONFIG_HOME="$scratch/etc" "$orch" repro shared
check there-is-something test -d "$scratch/shared/ac"
code elsewhere 3 env XDG_CONFIG_HOME="$scratch/etc" ORCH_CACHE="file://$scratch/shared" "$orch" repro shared
step broken 'false'
code what-fails 1 "$orch" repro broken
same nothing-left '' "$(ls "$ORCH_STORE/tmp")"
finish
