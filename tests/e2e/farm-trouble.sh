#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What goes wrong between orch and an engine that executes: tests/executor.py, which runs commands, and
# errs as it is told. Nothing wrong is used, and no build fails that this machine could have done.
. tests/e2e/lib.sh
. tests/e2e/farm-lib.sh
. tests/e2e/remote-lib.sh
trap 'stop_workers; [ -z "${overdue_engine:-}" ] || kill $overdue_engine; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
export ORCH_STORE="$scratch/store"

p=$scratch/p
mkdir -p "$p/recipes" "$p/rootfs/etc"
printf 'schema: 1\nname: demo\nversion: "1"\ntimes: 2025-01-01\ndefault: [step]\n' >"$p/recipes/project.yaml"
echo "a text" >"$p/rootfs/etc/text"
host_tree "$p" /bin/sh /bin/cat /bin/sleep
cat >"$p/recipes/step.yaml" <<'END'
kind: run
root: tree
inputs: [rootfs/etc/text]
run: ["echo it begins; sleep 1; cat rootfs/etc/text >text; echo it ends"]
outputs: [text]
platform: {kvm: "yes", OSFamily: mine}
END
check "here" "$ORCH" -C "$p" build tree

# configure URL...: the executors, of a directory of configuration.
configure() {
	mkdir -p "$XDG_CONFIG_HOME/orch"
	cat >"$XDG_CONFIG_HOME/orch/config.yaml" <<END
remote:
  executor: "$*"
  platform: {OSFamily: linux, ISA: x86-64}
END
}
n=0
# engine WORD...: another one, which errs so, and the only executor.
engine() {
	# shellcheck disable=SC2086
	[ -z "$helpers" ] || kill $helpers 2>/dev/null
	helpers=
	n=$((n + 1))
	calls=$scratch/engine.$n/calls
	helper tests/executor.py "$scratch/engine.$n" "$@"
	configure "grpc://127.0.0.1:$helper_port"
}
# makes NAME WORD...: an engine that errs so has the node made, and it comes out right.
makes() {
	makes_name=$1
	shift
	engine "$@"
	echo "$makes_name" >"$p/rootfs/etc/text"
	rm -rf "$p/out"
	code "$makes_name" 0 "$orch" -C "$p" build step
	same "$makes_name: is made" "$makes_name" "$(cat "$p/out/step/text")"
}
there() { lacks "$makes_name: over there" "made on this machine" "$scratch/err"; }
here() { check "$makes_name: then here, which is told" grep -qE "$1.*made on this machine" "$scratch/err"; }
# asked METHOD...: what the engine was asked, in this order.
asked() { same "$makes_name: asked for" "$*" "$(grep -v '^platform' "$calls" | xargs)"; }
# What the command prints, of the log of the node.
printed() { "$orch" -C "$p" log step | grep -x 'it begins\|it ends'; }
logged() { same "$makes_name: its log" "it begins it ends" "$(printed | xargs)"; }

# An engine that never ends a node is waited for as long as the node may take, and a while.
helper tests/executor.py "$scratch/engine.overdue" endless
overdue_engine=$helpers
helpers=
cp -r "$p" "$scratch/overdue"
sed -i 's/sleep 1; //; $a timeout: 1' "$scratch/overdue/recipes/step.yaml"
mkdir -p "$scratch/overdue.config/orch"
echo "remote: {executor: \"grpc://127.0.0.1:$helper_port\"}" >"$scratch/overdue.config/orch/config.yaml"
(
	exec env XDG_CONFIG_HOME="$scratch/overdue.config" "$orch" -C "$scratch/overdue" --store "$scratch/overdue.store" build step >"$scratch/overdue.out" 2>"$scratch/overdue.err"
) &
overdue=$!

makes "an engine"
there
asked Execute
logged
same "is told what machine is wanted" "platform ISA=x86-64 OSFamily=mine kvm=yes" "$(grep '^platform' "$calls")"

makes "a stream is cut" cut=1
there
asked Execute WaitExecution
logged
makes "and again" cut=1 forgets=1
there
asked Execute WaitExecution Execute
makes "inputs are gone" missing=1
there
asked Execute Execute
makes "inputs are gone again and again" missing=9
here "FAILED_PRECONDITION|MISSING"
asked Execute Execute
makes "a worker is lost" dies=1
there
asked Execute Execute
makes "worker after worker is lost" dies=9
here "the worker is gone"
asked Execute Execute Execute
makes "no room there" full
here "no room"
makes "other bytes, rightly named" swaps
here "sent other bytes as output 'text'"
makes "directories without end" nests
here "too many files"
makes "an output that is nowhere" empties
here "gone"
echo "# one of two is away"
engine
live=grpc://127.0.0.1:$helper_port
: >"$scratch/both"
for urls in "$live grpc://127.0.0.1:1" "grpc://127.0.0.1:1 $live"; do
	configure "$urls"
	echo "$urls" >"$p/rootfs/etc/text"
	code "the other makes it" 0 "$orch" -C "$p" build step
	cat "$scratch/err" >>"$scratch/both"
done
lacks "all is made there" "made on this machine" "$scratch/both"
same "and who it was that did not answer is told" 1 "$(grep -c "grpc://127.0.0.1:1: .*it is made elsewhere instead" "$scratch/both")"
makes "it answers slowly" slow=0.3
there

echo "# what is printed"
makes "a log that streams" streams
asked Execute Read
logged
makes "a log whose stream breaks off" streams=12
asked Execute Read
logged
makes "the log of a worker that is lost" streams dies=1
there
same "the second one's is whole" "it begins it ends" "$(printed | tail -n 2 | xargs)"
sed -i 's/sleep 1;/sleep 5;/' "$p/recipes/step.yaml"
engine streams
"$orch" -C "$p" build step >"$scratch/out" 2>"$scratch/err" &
orch_pid=$!
for _ in $(seq 200); do
	! grep -rqs "it begins" "$ORCH_STORE/tmp" || break
	sleep 0.1
done
check "it is here while the command runs" sh -c 'grep -rqs "it begins" "$1/tmp" && ! grep -rqs "it ends" "$1/tmp"' sh "$ORCH_STORE"
wait $orch_pid

echo "# TLS, and a proxy that cuts by the clock"
if command -v nginx >/dev/null; then
	certificates
	engine
	tls_port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
	secure() { # SECONDS: of silence
		tests/engines.sh stop "$workers/front" 2>/dev/null
		tests/engines.sh start nginx "$workers/front" "listen 127.0.0.1:$tls_port ssl http2;" \
			"ssl_certificate $tls/good.pem; ssl_certificate_key $tls/good.key;" \
			"grpc_read_timeout ${1}s; client_max_body_size 0; if (\$http_authorization != 'Bearer s3cr3t') { return 401; }" \
			"location / { grpc_pass grpc://127.0.0.1:$helper_port; }"
	}
	secure 60
	over_tls() { # NAME CA TOKEN
		makes_name=$1
		printf 'remote:\n  executor: grpcs://localhost:%s\n  ca: %s\n  token: %s\n' "$tls_port" "$2" "$3" >"$XDG_CONFIG_HOME/orch/config.yaml"
		echo "$1" >"$p/rootfs/etc/text"
		rm -rf "$p/out"
		code "$1" 0 "$orch" -C "$p" build step
		same "$1: is made" "$1" "$(cat "$p/out/step/text")"
	}
	over_tls "over TLS" "$tls/ca.pem" s3cr3t
	there
	over_tls "with a token that it does not know" "$tls/ca.pem" other
	here "does not accept the token"
	over_tls "with a certificate that nobody vouches for" "$tls/strangers.pem" s3cr3t
	here "whom this machine does not know"
	secure 2
	over_tls "over what cuts a silent stream" "$tls/ca.pem" s3cr3t
	there
	check "$makes_name: it was cut" grep -q WaitExecution "$calls"
else
	skip "no nginx"
fi

echo "# time"
engine late
echo "too late" >"$p/rootfs/etc/text"
code "a node that has used up its time" 10 "$orch" -C "$p" build step
check "is told so" grep -q 'node-timeout' "$scratch/err"
for word in queued endless; do
	engine $word
	echo "$word" >"$p/rootfs/etc/text"
	"$orch" -C "$p" build step >"$scratch/out" 2>"$scratch/err" &
	orch_pid=$!
	for _ in $(seq 200); do
		! grep -qs '^Execute' "$calls" || break
		sleep 0.1
	done
	sleep 0.5
	kill -INT $orch_pid
	wait $orch_pid
	same "$word: stopped" 130 $?
	check "$word: and cancelled" grep -q CancelOperation "$calls"
done
wait $overdue
same "a node that is never ended is made here" 0 $?
check "which is told" grep -q "has not ended the node, whose time is 1 s; it is made on this machine" "$scratch/overdue.err"
check "and cancelled" grep -q CancelOperation "$scratch/engine.overdue/calls"
finish
