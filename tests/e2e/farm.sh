#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Nodes made on two workers of a farm (buildbox-casd): to the same bytes as here, while workers are
# killed, when one lies, and when the user stops.
. tests/e2e/lib.sh
. tests/e2e/farm-lib.sh
kills=${FARM_KILLS:-5}
needs_grpc
tests/engines.sh get casd || { skip "buildbox cannot be had" && exit 77; }
worker w1 || exit 1
worker w2 || exit 1
farm "$(url w1)" "$(url w2)"
"$orch" --store "$scratch/store" doctor >"$scratch/out" 2>&1
same "doctor finds both" 2 "$(grep -c '^ok *executor .*: REAPI 2.*it runs actions' "$scratch/out")"

p=$scratch/p
mkdir -p "$p/recipes" "$p/rootfs/etc"
printf 'schema: 1\nname: demo\nversion: "1"\ntimes: 2025-01-01\ndefault: [card]\n' >"$p/recipes/project.yaml"
echo "a text" >"$p/rootfs/etc/text"
ln -s text "$p/rootfs/etc/link"
head -c 3000000 /dev/urandom >"$p/rootfs/etc/large"
host_tree "$p" /bin/sh /bin/cat /bin/sleep
for i in 1 2 3 4 5 6; do
	cat >"$p/recipes/step$i.yaml" <<END
kind: run
root: tree
inputs: [rootfs/etc/text]
run: ["echo line $i of the log; sleep 1; cat rootfs/etc/text >out; echo $i >>out"]
outputs: [out]
END
done
cat >"$p/recipes/root.yaml" <<'END'
kind: image
filesystem: ext4
size: 64M
contents:
  - {unpack: tree}
  - {copy: rootfs/, to: /}
  - {copy: step1, to: /1}
  - {copy: step2, to: /2}
  - {copy: step3, to: /3}
  - {copy: step4, to: /4}
  - {copy: step5, to: /5}
  - {copy: step6, to: /6}
END
boot_and_card "$p"
targets="card step1 step6 root"

# shellcheck disable=SC2086
check "here" env XDG_CONFIG_HOME="$scratch" ORCH_STORE="$scratch/here" "$ORCH" -C "$p" build $targets
digests "$p" >"$scratch/want"
rm -rf "$p/out"
export ORCH_STORE="$scratch/store"
# shellcheck disable=SC2086
code "on the farm" 0 "$orch" -C "$p" build $targets
lacks "without a warning" "warning" "$scratch/err"
same "to the same bytes" "$(cat "$scratch/want")" "$(digests "$p")"
check "its log is here" sh -c '"$1" -C "$2" log step6 | grep -q "line 6 of the log"' sh "$orch" "$p"
check "both workers had some" sh -c 'for w; do [ -n "$(find "$w/casd" -type f -size +1M -print -quit)" ] || exit 1; done' \
	sh "$workers/w1" "$workers/w2"
rm -rf "$p/out" "$scratch/second"
# shellcheck disable=SC2086
check "another store, what the farm remembers" env ORCH_STORE="$scratch/second" "$orch" -C "$p" build $targets
same "is the same" "$(cat "$scratch/want")" "$(digests "$p")"

echo "# the node's own failure"
cat >"$p/recipes/bad.yaml" <<'END'
kind: run
root: tree
run: ["echo its last words; exit 3"]
outputs: [x]
END
code "fails" 1 "$orch" -C "$p" build bad
check "for its own reason" grep -q "step-failed" "$scratch/err"
check "with its log" sh -c '"$1" -C "$2" log bad | grep -q "its last words"' sh "$orch" "$p"
cat >"$p/recipes/slow.yaml" <<END
kind: run
root: tree
run: ["sleep 7654.$$"]
outputs: [x]
END

echo "# the user stops"
"$orch" -C "$p" build slow >"$scratch/out" 2>"$scratch/err" &
orch_pid=$!
for _ in $(seq 300); do
	[ -z "$(processes "^sleep 7654.$$")" ] || break
	sleep 0.1
done
check "it runs" test -n "$(processes "^sleep 7654.$$")"
kill -INT $orch_pid
wait $orch_pid
same "stopped" 130 $?
for _ in $(seq 50); do
	[ -n "$(processes "^sleep 7654.$$")" ] || break
	sleep 0.1
done
same "nothing runs on" "" "$(processes "^sleep 7654.$$")"

echo "# workers are killed $kills times"
(
	for i in $(seq "$kills"); do
		sleep "$(((i * 37) % 3 + 1)).$(((i * 53) % 10))"
		w=w$((i % 2 + 1))
		tests/engines.sh kill "$workers/$w" casd
		sleep 0.3
		worker $w
	done
) >"$scratch/chaos.out" 2>&1 &
chaos=$!
lost=0
rounds=0
while kill -0 $chaos 2>/dev/null; do
	rounds=$((rounds + 1))
	echo "round $rounds" >>"$p/rootfs/etc/text"
	rm -rf "$p/out"
	# shellcheck disable=SC2086
	XDG_CONFIG_HOME=$scratch ORCH_STORE=$scratch/here "$ORCH" -C "$p" build $targets >"$scratch/out" 2>"$scratch/err"
	digests "$p" >"$scratch/want"
	rm -rf "$p/out"
	# shellcheck disable=SC2086
	"$orch" -C "$p" build $targets >"$scratch/out" 2>"$scratch/err" || lost=$((lost + 1))
	[ "$(cat "$scratch/want")" = "$(digests "$p")" ] || lost=$((lost + 1))
done
wait $chaos
same "nothing is lost, in $rounds builds" 0 $lost

echo "# a worker lies"
liar || exit 1
farm "$(url liar)"
echo "# a lie" >>"$p/rootfs/etc/text"
code "is found out" 0 "$orch" -C "$p" build step1
check "and told" grep -q "sent other bytes as output 'out' .* made on this machine" "$scratch/err"
same "and not used" "$(cat "$p/rootfs/etc/text"; echo 1)" "$(cat "$p/out/step1/out")"

echo "# nobody is there"
stop_workers
echo "# nobody" >>"$p/rootfs/etc/text"
code "made here" 0 "$orch" -C "$p" build step1
check "and told" grep -q "made on this machine" "$scratch/err"
finish
