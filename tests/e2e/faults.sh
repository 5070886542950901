#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A full disk, a disk that cannot sync, too few descriptors: the build fails with a message, nothing
# half-made is ever recorded, and the next build gives the digests of an undisturbed one.
# FAULTS=200 in the environment makes more rounds of each.
. tests/e2e/lib.sh
faults=${FAULTS:-6}
p=$scratch/p
export ORCH_STORE="$scratch/store"
small_project "$p"

build() { "$orch" -C "$p" build --result-json "$scratch/result.json" >"$scratch/out" 2>"$scratch/err"; }

check "an undisturbed build" build
digests "$scratch/result.json" >"$scratch/want"

# fault NAME SYSCALLS WHAT N: a build in which calls from the N-th on fail, then a healthy one.
fault() {
	rm -rf "$ORCH_STORE" "$p/out"
	strace -f -qq -o "$scratch/trace" -e trace="$2" -e inject="$2:$3:when=$4" \
		"$orch" -C "$p" build --result-json "$scratch/result.json" >"$scratch/out" 2>"$scratch/err"
	fault_code=$?
	if grep -q INJECTED "$scratch/trace"; then
		hit=$((hit + 1))
	elif [ $fault_code != 0 ]; then
		echo "  $1 $4: exit $fault_code without a fault: $(tail -n 2 "$scratch/err")"
		return 1
	fi
	case $fault_code in
	0) digests "$scratch/result.json" | cmp -s - "$scratch/want" ||
		{ echo "  $1 $4: claims success with other digests"; return 1; } ;;
	1 | 2 | 6 | 7 | 8) ;;
	*) echo "  $1 $4: exit $fault_code: $(tail -n 2 "$scratch/err")"; return 1 ;;
	esac
	if [ -d "$ORCH_STORE" ] && ! "$orch" store verify >"$scratch/verify" 2>&1; then
		echo "  $1 $4: the store does not verify: $(tail -n 3 "$scratch/verify")"
		return 1
	fi
	build || { echo "  $1 $4: the next build fails: $(tail -n 3 "$scratch/err")"; return 1; }
	digests "$scratch/result.json" | cmp -s - "$scratch/want" || { echo "  $1 $4: other digests"; return 1; }
}

# rounds NAME SYSCALLS WHAT STEP SUFFIX FIRST: N = FIRST, FIRST + STEP, ...
rounds() {
	bad=0
	hit=0
	n=0
	while [ $n -lt "$faults" ]; do
		fault "$1" "$2" "$3" $(($6 + n * $4))"$5" || bad=$((bad + 1))
		n=$((n + 1))
	done
	same "$1: $faults builds, broken by it" 0 "$bad"
	check "$1: faults really happened" test "$hit" -gt 0
}

echo "# injected"
rounds "fsync says EIO" fsync,fdatasync error=EIO 3 "" 1
rounds "the disk is full from some write on" write,pwrite64 error=ENOSPC 41 "+" 1
rounds "no room for new files" openat,mkdir,mkdirat error=ENOSPC 97 "+" 100 # behind the loader
rounds "a rename fails" rename,renameat,renameat2 error=EIO 1 "" 1

echo "# few descriptors"
rm -rf "$ORCH_STORE" "$p/out"
check "32 descriptors are enough, or it is said" sh -c "ulimit -n 32
	'$orch' -C '$p' build >'$scratch/out' 2>'$scratch/err' || grep -q -i 'open files' '$scratch/err'"
check "then it heals" build

echo "# little memory"
rm -rf "$ORCH_STORE" "$p/out"
n=0
while [ $n -lt 1500 ]; do
	n=$((n + 1))
	sed "s/echo 1/echo $n/" "$p/recipes/leaf1.yaml" >"$p/recipes/many$n.yaml"
done
# with_memory KIB COMMAND...
# shellcheck disable=SC3045
with_memory() { (ulimit -c 0 && ulimit -v "$1" && shift && exec "$@"); }
room=10000
until with_memory $room "$orch" --version >/dev/null 2>&1 || [ $room -gt 200000 ]; do room=$((room + 500)); done
codes=
n=0
while [ $n -lt 16 ]; do
	n=$((n + 1))
	room=$((room + 500))
	with_memory $room "$orch" -C "$p" build all >"$scratch/out" 2>"$scratch/err"
	codes="$codes$? "
done
rm "$p"/recipes/many*
check "out of memory is exit 8" sh -c "case '$codes' in *'8 '*) ;; *) false ;; esac"
same "and no other failure" "" "$(echo "$codes" | tr ' ' '\n' | grep -v -x -e 0 -e 8 -e '')"
code "the store is valid" 0 "$orch" store verify
check "then it builds" build
digests "$scratch/result.json" >"$scratch/got"
check "the same" cmp "$scratch/got" "$scratch/want"

# A store on a small file system of its own: only where an ordinary user may mount one.
echo "# a small disk"
rm -rf "$scratch/store"
mkdir "$scratch/disk"
cat >"$p/recipes/big.yaml" <<'END'
kind: run
run: ["head -c 40000000 /dev/urandom >big"]
outputs: [big]
END
cat >"$scratch/small.sh" <<END
mount -t tmpfs -o size=100m tmpfs "$scratch/disk" || exit 77
head -c 80000000 /dev/zero >"$scratch/disk/ballast"
export ORCH_STORE="$scratch/disk/store"
"$orch" -C "$p" build big >"$scratch/out" 2>"$scratch/err"
echo \$? >"$scratch/code.full"
rm "$scratch/disk/ballast"
"$orch" -C "$p" build big all --result-json "$scratch/result.json" >"$scratch/out2" 2>"$scratch/err2"
echo \$? >"$scratch/code.room"
"$orch" store verify >"$scratch/verify"
echo \$? >"$scratch/code.verify"
END
if unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none /mnt' 2>/dev/null; then
	unshare --user --map-root-user --mount sh "$scratch/small.sh"
	same "a full disk is exit 8" 8 "$(cat "$scratch/code.full")"
	check "and is called by its name" grep -q -i 'free\|no space left' "$scratch/err"
	same "with room again, it builds" 0 "$(cat "$scratch/code.room")"
	same "and verifies" 0 "$(cat "$scratch/code.verify")"
	digests "$scratch/result.json" | grep -v '^big ' >"$scratch/got"
	check "with the same digests" cmp "$scratch/got" "$scratch/want"
else
	skip "a small disk: no user namespaces here"
fi
finish
