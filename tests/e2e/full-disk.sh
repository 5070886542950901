#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A store on a disk that fills up: the exit code and the message say so, nothing that was built is lost,
# and with room again the build goes on by itself. A tmpfs of a mount namespace plays the disk.
. tests/e2e/lib.sh
p=$scratch/p
mkdir -p "$p/recipes" "$scratch/disk"
printf 'schema: 1\nname: demo\nversion: "1"\ndefault: [a, b, c, d]\n' >"$p/recipes/project.yaml"
for n in a b c d; do
	printf 'kind: run\nrun: [echo %s >x; head -c 17000000 /dev/zero | tr "\\\\0" %s >>x]\noutputs: [x]\n' $n $n >"$p/recipes/$n.yaml"
done
if ! unshare -rm true 2>/dev/null; then
	skip "no user namespaces here"
	finish
fi
cat >"$scratch/inside.sh" <<'END'
set -u
orch=$1 p=$2 disk=$3 out=$4
build() {
	code=0
	"$orch" -C "$p" --store "$disk/store" build -j1 --result-json "$out/$1.json" >"$out/$1.out" 2>"$out/$1.err" || code=$?
	echo "$code" >"$out/$1.code"
}
mount -t tmpfs -o size=256M tmpfs "$disk"
build plenty
"$orch" --store "$disk/store" store verify >"$out/verify.out" 2>&1
echo $? >"$out/verify.code"
umount "$disk"
# The build wants 64 MiB free and needs a little more: at every size something else does not fit.
for size in 20000 65800 66000 66200 66400 66500 66560 66600 66620 66640 66660 66680 66700 66720 66740 66760 66800 66900 67000; do
	mount -t tmpfs -o size=${size}k tmpfs "$disk"
	build "full-$size"
	mount -n -t tmpfs -o remount,size=256M tmpfs "$disk" # in full: else it repeats a foreign uid
	"$orch" --store "$disk/store" store verify >"$out/verify-$size.out" 2>&1
	echo $? >"$out/verify-$size.code"
	find "$disk/store/cas" -type f 2>/dev/null | wc -l >"$out/blobs-$size"
	build "again-$size"
	build "noop-$size"
	find "$disk/store/tmp" -mindepth 1 2>/dev/null | wc -l >"$out/left-$size"
	umount "$disk"
done
END
cat >>"$scratch/inside.sh" <<'END'
mount -t tmpfs -o size=1600M tmpfs "$disk"
printf 'kind: run\nrun: ["i=0; while [ $i -lt 50 ]; do head -c 30M /dev/zero >$i; i=$((i+1)); sleep 0.05; done"]\noutputs: []\n' >"$p/recipes/runaway.yaml"
"$orch" -C "$p" --store "$disk/store" build runaway >/dev/null 2>"$out/runaway.err"
echo $? >"$out/runaway.code"
umount "$disk"
END
unshare -rm sh "$scratch/inside.sh" "$orch" "$p" "$scratch/disk" "$scratch"
same "with room" 0 "$(cat "$scratch/plenty.code")"
same "verify" 0 "$(cat "$scratch/verify.code")"
same "a step that fills the disk" 8 "$(cat "$scratch/runaway.code")"
check "is stopped before the disk is full" grep -q "was stopped: it wrote .*three quarters" "$scratch/runaway.err"
# count STATUS RESULT: how many nodes of a run ended so.
count() { jq "[.nodes[] | select(.status == \"$1\")] | length" "$scratch/$2.json" || echo "$2: no result"; }
refused=0
for f in "$scratch"/full-*.code; do
	size=${f##*full-}
	size=${size%.code}
	case $(cat "$f") in
	0) ;;
	8)
		refused=$((refused + 1))
		check "$size KiB: the message says it" grep -qiE 'no space left|needs .* free' "$scratch/full-$size.err"
		;;
	*)
		tail -n 5 "$scratch/full-$size.err"
		not_ok "$size KiB: exit $(cat "$f")"
		;;
	esac
	same "$size KiB: the store is whole" 0 "$(cat "$scratch/verify-$size.code")"
	same "$size KiB: with room it goes on" 0 "$(cat "$scratch/again-$size.code")"
	same "$size KiB: what was built is not built again" \
		"$(count built "full-$size")" "$(count cached "again-$size")"
	same "$size KiB: and all is cached then" 4 "$(count cached "noop-$size")"
	same "$size KiB: nothing is left over" 0 "$(cat "$scratch/left-$size")"
done
check "small disks were too small" test "$refused" -ge 5
finish
