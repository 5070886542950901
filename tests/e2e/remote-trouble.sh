#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds that share results by a real engine (bazel-remote, by gRPC and by HTTP) which is killed and held
# up at random, whose disk is full, and whose files are taken away, cut short, exchanged and forged:
# nothing wrong is used, nothing is lost, and no build fails that this machine could have done.
. tests/e2e/lib.sh
. tests/e2e/remote-lib.sh
rounds=${TROUBLE_ROUNDS:-4}
engines=${ORCH_ENGINES:-${XDG_CACHE_HOME:-$HOME/.cache}/orch-engines}
export XDG_CONFIG_HOME="$scratch/config"
mkdir -p "$XDG_CONFIG_HOME/orch"
unset ORCH_CACHE
engine bazel-remote
server=$run/bazel-remote
by_http=http://127.0.0.1:$(cat "$server.http")
by_grpc=grpc://127.0.0.1:$(port bazel-remote)

p=$scratch/p
mkdir -p "$p/recipes" "$p/files"
printf 'schema: 1\nname: demo\nversion: "1"\ntimes: 2025-01-01\ndefault: [card]\n' >"$p/recipes/project.yaml"
head -c 2500000 /dev/urandom >"$p/files/noise"
for i in 1 2 3 4; do
	cat >"$p/recipes/step$i.yaml" <<END
kind: run
share: true
inputs: [files, "tag:tag"]
run: ["cat files/noise tag >out; echo $i >>out; sleep 0.$i"]
outputs: [out]
END
done
printf 'kind: run\nshare: true\ninputs: [files/text]\nrun: [cp files/text tag]\noutputs: [tag]\n' >"$p/recipes/tag.yaml"
cat >"$p/recipes/card.yaml" <<'END'
kind: image
filesystem: ext4
size: 48M
contents:
  - {copy: "step1:out", to: /1}
  - {copy: "step2:out", to: /2}
  - {copy: "step3:out", to: /3}
  - {copy: "step4:out", to: /4}
END
# edit: results that nobody has yet, and what they are.
edits=0
edit() {
	edits=$((edits + 1))
	echo "edit $edits" >"$p/files/text"
	rm -rf "$p/out"
	"$ORCH" -C "$p" --store "$scratch/here" --offline build >"$scratch/out" 2>"$scratch/err"
	want=$(sha256sum <"$p/out/card/card.img")
}
# build NAME STORE WORD...: it succeeds, and the card is right.
build() {
	build_name=$1
	build_store=$2
	shift 2
	rm -rf "$p/out"
	code "$build_name" 0 "$orch" -C "$p" --store "$scratch/$build_store" build --result-json "$result" "$@"
	same "$build_name: the same bytes" "$want" "$(sha256sum <"$p/out/card/card.img")"
}
# builds NAME NODE...: with an empty store, just these. A build would not wait long for a busy server.
builds() {
	builds_name=$1
	shift
	rm -rf "$scratch/empty"
	"$orch" -C "$p" --store "$scratch/empty" cache pull >"$scratch/pulled" 2>&1
	build "$builds_name" empty --offline
	same "$builds_name: builds" "$*" "$(names built)"
}

# --- killed and held up at random -----------------------------------------------------------------------
trouble() {
	while :; do
		sleep "0.$(awk -v s="$(date +%N)" 'BEGIN { srand(s); print int(rand() * 9) + 1 }')"
		pid=$(cat "$server.pid")
		if [ $(($(date +%N | sed 's/^0*//') / 1000 % 2)) = 0 ]; then
			tests/engines.sh kill "$run" bazel-remote
			sleep 0.5
			tests/engines.sh start bazel-remote "$run"
		else
			kill -STOP "$pid"
			sleep 1.5
			kill -CONT "$pid"
		fi
	done
}
for ORCH_CACHE in "$by_grpc" "$by_http"; do
	export ORCH_CACHE
	for i in $(seq "$rounds"); do
		edit
		trouble >"$scratch/trouble.out" 2>&1 &
		troubled=$!
		rm -rf "$scratch/one" "$scratch/two"
		build "${ORCH_CACHE%%:*}, in trouble: one writes ($i)" one --remote-write
		build "${ORCH_CACHE%%:*}, in trouble: another reads ($i)" two --remote-write
		kill $troubled
		wait $troubled 2>/dev/null
		[ -s "$server.pid" ] && kill -CONT "$(cat "$server.pid")" 2>/dev/null
		tests/engines.sh kill "$run" bazel-remote
		tests/engines.sh start bazel-remote "$run" || exit 1
	done
	code "${ORCH_CACHE%%:*}: what was left is stored later" 0 "$orch" -C "$p" --store "$scratch/one" cache push
	builds "${ORCH_CACHE%%:*}: nothing is lost" ""
done

# --- files of the server --------------------------------------------------------------------------------
# spoil COMMAND...: of each blob's file, while the server is away.
spoil() {
	tests/engines.sh stop "$run"
	another=
	find "$server/cas.v2" -type f -size +20k | sort >"$scratch/blobs"
	while read -r blob; do "$@" "$blob"; done <"$scratch/blobs"
	tests/engines.sh start bazel-remote "$run" || exit 1
}
evict() { rm -f "$1"; }
cut_short() { truncate -s 20000 "$1"; }
scribble() { printf 'XXXXXXXX' | dd of="$1" bs=1 seek=15000 conv=notrunc status=none; }
exchange() {
	[ -z "$another" ] || cp "$another" "$1"
	another=$1
}
for how in evict cut_short scribble exchange; do
	for ORCH_CACHE in "$by_grpc" "$by_http"; do
		edit
		build "$how: one writes" "$how" --remote-write
		spoil $how
		rm -rf "$scratch/empty"
		build "$how, ${ORCH_CACHE%%:*}: another reads" empty --remote-write
	done
done

# --- who may be believed ----------------------------------------------------------------------------------
export ORCH_CACHE="$by_http"
ours=$("$orch" cache key "$scratch/ours.key")
theirs=$("$orch" cache key "$scratch/theirs.key")
believe() { printf 'remote:\n  sign: %s\n  trust: [%s]\n' "$1" "$2" >"$XDG_CONFIG_HOME/orch/config.yaml"; }
all="card step1 step2 step3 step4 tag"
edit
: >"$XDG_CONFIG_HOME/orch/config.yaml"
rm -rf "$scratch/one"
build "nobody signs" one --remote-write
believe "$scratch/ours.key" "$ours"
builds "unsigned results are not used" "$all"
check "which is told" grep -q "signed" "$scratch/pulled"
edit
believe "$scratch/theirs.key" "$theirs"
build "a stranger signs" one --remote-write
believe "$scratch/ours.key" "$ours"
builds "a stranger's results are not used" "$all"
build "ours take their place" empty --remote-write
"$orch" -C "$p" --store "$scratch/empty" cache push >"$scratch/out" 2>&1
builds "and are used" ""
# The result of one key under the name of another, signature and all.
edit
build "two results" one --remote-write
key() { "$orch" -C "$p" --store "$scratch/one" plan --json | jq -r --arg n "$1" '.nodes[] | select(.name == $n).key' | cut -d: -f2; }
check "one is shown as the other" sh -c 'curl -sf "$1/ac/$2" -o "$4" && curl -sf -T "$4" "$1/ac/$3"' \
	sh "$ORCH_CACHE" "$(key step1)" "$(key step2)" "$scratch/result"
builds "a forged result is not used" card step2

# --- no room there ----------------------------------------------------------------------------------------
: >"$XDG_CONFIG_HOME/orch/config.yaml"
tests/engines.sh stop "$run"
mkdir -p "$scratch/small" "$run/small/bazel-remote"
cat >"$scratch/small/bazel-remote" <<END
#!/bin/sh
exec unshare -Umr sh -c 'mount -t tmpfs -o size=2m small "$run/small/bazel-remote" && exec "\$@"' sh "$engines/bazel-remote" "\$@"
END
chmod 755 "$scratch/small/bazel-remote"
if (export ORCH_ENGINES="$scratch/small" && tests/engines.sh start bazel-remote "$run/small"); then
	for ORCH_CACHE in "grpc://127.0.0.1:$(cat "$run/small/bazel-remote.port")" \
		"http://127.0.0.1:$(cat "$run/small/bazel-remote.http")"; do
		edit
		rm -rf "$scratch/one"
		build "${ORCH_CACHE%%:*}: a full disk there: one writes" one --remote-write
		check "${ORCH_CACHE%%:*}: which is told" grep -q 'warning' "$scratch/err"
		rm -rf "$scratch/empty"
		build "${ORCH_CACHE%%:*}: another reads" empty
	done
	tests/engines.sh stop "$run/small"
else
	skip "no file system of its own for a server"
fi
finish
