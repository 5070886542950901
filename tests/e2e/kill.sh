#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# SIGKILL at any moment loses nothing: a build is killed on entry to a random system call that changes
# something (all of its processes, or orch alone), and afterwards no process is left, the store
# verifies, and the next build gives the digests of an undisturbed one and leaves no litter.
# KILLS=500 in the environment makes more rounds, SEED=1 other ones.
. tests/e2e/lib.sh
kills=${KILLS:-30}
seed=${SEED:-2026}
p=$scratch/p
export ORCH_STORE="$scratch/store"
nthkill=$scratch/nthkill
cc -O1 -D_GNU_SOURCE -o "$nthkill" tests/nthkill.c || exit 1

small_project "$p"

build() { "$orch" -C "$p" build --result-json "$scratch/result.json" >"$scratch/out" 2>"$scratch/err"; }
# A process whose command line names this test's sleeping daemons or its scratch directory.
leftovers() { processes "sleep 7654.$$|$scratch/store"; }
litter() {
	find "$ORCH_STORE/tmp" "$ORCH_STORE/locks" "$ORCH_STORE/failed" -mindepth 1 2>/dev/null
	find "$p" -name '*.part' -o -path '*/out/*' -name '.*tmp*'
}

check "an undisturbed build" build
digests "$scratch/result.json" >"$scratch/want"
same "five nodes, six outputs" 6 "$(wc -l <"$scratch/want" | tr -d ' ')"
rm -rf "$ORCH_STORE" "$p/out"
"$nthkill" 0 "$orch" -C "$p" build >/dev/null 2>"$scratch/count"
total=$(tail -n 1 "$scratch/count")
echo "# $total places to die, $kills of them tried, seed $seed"

bad=0
died=0
round() { # N WHOM(-r or nothing)
	rm -rf "$ORCH_STORE" "$p/out"
	# shellcheck disable=SC2086
	"$nthkill" $2 "$1" "$orch" -C "$p" build >/dev/null 2>&1
	[ $? = 137 ] && died=$((died + 1))
	i=0
	while [ -n "$(leftovers)" ] && [ $i -lt 20 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	[ -z "$(leftovers)" ] || { echo "  call $1 $2: processes are left: $(ps -o pid,args -p "$(leftovers | tr '\n' ' ')")"; return 1; }
	if [ -d "$ORCH_STORE" ] && ! "$orch" store verify >"$scratch/verify" 2>&1; then
		echo "  call $1 $2: the store does not verify: $(tail -n 3 "$scratch/verify")"
		return 1
	fi
	build || { echo "  call $1 $2: the next build fails: $(tail -n 3 "$scratch/err")"; return 1; }
	digests "$scratch/result.json" | cmp -s - "$scratch/want" || { echo "  call $1 $2: other digests"; return 1; }
	[ -z "$(litter)" ] || { echo "  call $1 $2: litter: $(litter | head -n 3)"; return 1; }
}

n=0
while [ $n -lt "$kills" ]; do
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	whom=
	[ $((n % 4)) = 3 ] && whom=-r
	round $((seed / 65536 % total + 1)) "$whom" || bad=$((bad + 1))
	n=$((n + 1))
done
same "killed $kills builds, broken by it" 0 "$bad"
check "most of them really died" test "$died" -gt $((kills * 3 / 4))
finish
