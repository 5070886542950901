#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Several orch on one store, in one project and in clones of it, some of them killed: each node is built
# by one of them at a time, all that live succeed, and the results are those of a lonely build.
# ROUNDS=50 in the environment makes more rounds.
. tests/e2e/lib.sh
rounds=${ROUNDS:-4}
p=$scratch/p
export ORCH_STORE="$scratch/store"
small_project "$p"
# slow enough to be met half-way
cat >"$p/recipes/two.yaml" <<END
kind: run
inputs: [leaf1, leaf2]
run:
  - sleep 0.5; cat leaf1 leaf2 >a; dd if=a of=b bs=1 seek=3000000 2>/dev/null
outputs: [a, b]
END
check "a lonely build" "$orch" -C "$p" build --result-json "$scratch/result.json"
digests "$scratch/result.json" >"$scratch/want"

crowd() { # ROUND
	rm -rf "$ORCH_STORE" "$scratch"/clone* "$p/out"
	pids=
	for i in 1 2 3 4 5 6; do
		dir=$p
		[ $i -le 3 ] || { dir=$scratch/clone$i && cp -R "$p" "$dir"; }
		"$orch" -C "$dir" build --result-json "$scratch/result$i.json" >"$scratch/out$i" 2>"$scratch/err$i" &
		pids="$pids $!"
	done
	# the second and the fifth die somewhere on the way
	i=0
	for pid in $pids; do
		i=$((i + 1))
		case $i in 2 | 5) sleep "0.$(((($1 * 7 + i * 3) % 9) + 1))" && kill -9 "$pid" 2>/dev/null ;; esac
	done
	i=0
	for pid in $pids; do
		i=$((i + 1))
		code=0
		wait "$pid" || code=$?
		case $i:$code in
		[25]:137) continue ;;
		*:0) ;;
		*) echo "  orch $i: exit $code: $(tail -n 3 "$scratch/err$i")"; return 1 ;;
		esac
		digests "$scratch/result$i.json" | cmp -s - "$scratch/want" || { echo "  orch $i: other digests"; return 1; }
	done
	"$orch" store verify >/dev/null 2>&1 || { echo "  the store does not verify"; return 1; }
	"$orch" -C "$p" build >/dev/null 2>&1 || { echo "  a last build fails"; return 1; }
	left=$(find "$ORCH_STORE/tmp" "$ORCH_STORE/locks" -mindepth 1 2>/dev/null | head -n 3)
	[ -z "$left" ] || { echo "  left: $left"; return 1; }
}

bad=0
n=0
while [ $n -lt "$rounds" ]; do
	crowd $n 2>"$scratch/noise" || bad=$((bad + 1))
	n=$((n + 1))
done
same "$rounds crowds of six, broken" 0 "$bad"

# Without deaths: every node exactly once.
rm -rf "$ORCH_STORE" "$p/out"
for i in 1 2 3 4; do
	"$orch" -C "$p" build --result-json "$scratch/result$i.json" >/dev/null 2>"$scratch/err$i" &
done
wait
same "four at once build each node once" 5 "$(jq -s '[.[].nodes[] | select(.status == "built")] | length' "$scratch"/result[1-4].json)"
finish
