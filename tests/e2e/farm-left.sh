#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a farm makes stays there until something needs it: tests/executor.py, whose blobs are counted,
# forgotten, changed and lied about between two nodes. Nothing wrong is used, no build fails, and nobody
# signs what nobody here has seen.
. tests/e2e/lib.sh
. tests/e2e/farm-lib.sh
. tests/e2e/remote-lib.sh
trap 'stop_workers; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
export ORCH_STORE="$scratch/store"
unset ORCH_CACHE

p=$scratch/p
mkdir -p "$p/recipes" "$p/rootfs/etc"
printf 'schema: 1\nname: demo\nversion: "1"\ntimes: 2025-01-01\ndefault: [last]\n' >"$p/recipes/project.yaml"
head -c 3000000 /dev/urandom >"$p/rootfs/etc/large"
echo "a text" >"$p/rootfs/etc/text"
host_tree "$p" /bin/sh /bin/cat /bin/head /bin/sleep
run() { # NAME INPUT COMMAND OUTPUTS
	printf 'kind: run\nroot: tree\ninputs: ["%s"]\nrun: ["%s"]\noutputs: [%s]\n' "$2" "$3" "$4" >"$p/recipes/$1.yaml"
}
run big rootfs/etc "cat rootfs/etc/large rootfs/etc/text >big; echo small >small" "big, small"
run mid big:big "cat big big >mid" mid
run last mid:mid "head -c 1000 mid >last" last
cat >"$p/recipes/card.yaml" <<'END'
kind: image
filesystem: ext4
size: 32M
contents: [{copy: "big:big", to: /big}]
END
printf 'kind: disk\npartitions: [{name: root, type: root-arm64, from: card, size: 40M}]\n' >"$p/recipes/disk.yaml"
printf 'kind: run\nroot: host\ninputs: ["mid:mid"]\nrun: ["head -c 10 mid >here"]\noutputs: [here]\n' >"$p/recipes/here.yaml"
# The same bytes as here: what all of it is now.
want() { cat "$p/rootfs/etc/large" "$p/rootfs/etc/text"; }
right() { same "$1" "$(want | head -c 1000 | sha256sum)" "$(sha256sum <"$p/out/last/last")"; }

check "here" "$ORCH" -C "$p" build tree
n=0
engine() { # WORD...: another one, which errs so, and the only executor
	# shellcheck disable=SC2086
	[ -z "$helpers" ] || kill $helpers 2>/dev/null
	helpers=
	n=$((n + 1))
	at=$scratch/engine.$n
	helper tests/executor.py "$at" "$@"
	configure "grpc://127.0.0.1:$helper_port"
}
configure() {
	mkdir -p "$XDG_CONFIG_HOME/orch"
	printf 'remote:\n  executor: "%s"\n' "$*" >"$XDG_CONFIG_HOME/orch/config.yaml"
}
# way up|down: bytes of blobs that the engine was sent, or sent, since the last change().
way() { awk -v w="$1" '$1 == w { n += $2 } END { print n + 0 }' "$at/moved"; }
# executed: how often something was made there.
executed() { grep -c '^Execute' "$at/calls"; }
change() { # TEXT: all nodes are to be made
	echo "$1" >>"$p/rootfs/etc/text"
	echo "$1" | cat - "$p/rootfs/etc/large" >"$scratch/new" && mv "$scratch/new" "$p/rootfs/etc/large"
	rm -rf "$p/out"
	: >"$at/moved" 2>/dev/null
	: >"$at/calls" 2>/dev/null
}
build() { "$orch" -C "$p" build "$@"; }
# here_of NODE: how many of its outputs are in the store.
here_of() {
	"$orch" -C "$p" plan --json "$1" | jq -r ".nodes[] | select(.name == \"$1\") | if .left then \"left\" else \"here\" end"
}

echo "# a chain"
engine
mkdir -p "$at"
change first
code "a chain" 0 build
lacks "without a warning" "warning" "$scratch/err"
right "is right"
same "each made there once" 3 "$(executed)"
check "its end says what stayed" grep -q '3 made on a farm (2 left there, 8.6 MiB)' "$scratch/err"
check "little came" test "$(way down)" -lt 60000
whole=$(way up)
check "what one node made was not sent to the next" test "$whole" -lt 120000000
same "what is only on the way is there alone" "left left here" "$(here_of big) $(here_of mid) $(here_of last)"
check "plan says so" sh -c '"$1" -C "$2" plan | grep -q "2 left on a farm"' sh "$orch" "$p"
check "and runs" sh -c '"$1" -C "$2" runs | grep -q "3 made (8.6 MiB left there)"' sh "$orch" "$p"
check "and timings" sh -c '"$1" -C "$2" timings | grep -q "2 left there"' sh "$orch" "$p"
: >"$at/moved"
change_last() { sed -i "s/head -c [0-9]* mid >last.*\"/head -c 1000 mid >last; : $1\"/" "$p/recipes/last.yaml"; }
change_last again
code "another last step" 0 build
right "is right, too"
check "and next to nothing goes or comes" test "$(($(way up) + $(way down)))" -lt 60000
: >"$at/calls"
: >"$at/moved"
code "nothing to do" 0 build
same "asks nobody" "0 0" "$(executed) $(way down)"
check "store verify takes it for no damage" "$orch" store verify
code "image cat of it" 2 "$orch" -C "$p" image cat mid
check "says how to have it" grep -q "on a farm alone; 'orch build mid' fetches it" "$scratch/err"
code "which fetches it" 0 build mid
check "and says so" grep -q "MiB fetched from a farm" "$scratch/err"
same "as it was made" "$(sh -c 'cat "$1"/large "$1"/text "$1"/large "$1"/text' sh "$p/rootfs/etc" | sha256sum)" "$(sha256sum <"$p/out/mid/mid")"
same "without making it" 0 "$(executed)"
code "an image of what is there stays, too" 0 build --fetch none card
code "a disk of it" 0 build disk
check "has its bill of materials, though what it is made of had stayed" test -s "$p/out/disk/disk.spdx.json"
code "a node of this machine" 0 build here
same "has its bytes" "$(head -c 10 "$p/rootfs/etc/large" | sha256sum)" "$(sha256sum <"$p/out/here/here")"

echo "# what is fetched when"
change all
code "--fetch all" 0 build --fetch all
lacks "leaves nothing" "left there" "$scratch/err"
change none
code "--fetch none" 0 build --fetch none
check "leaves all of it" grep -q "3 left there" "$scratch/err"
code "what is wanted later" 0 build
right "comes"
same "from there" 3 "$(executed)"

echo "# what is lost there"
change evicted
code "made, and left" 0 build --fetch none mid
: >"$at/evict"
code "forgotten before the next" 0 build
right "is made again"
check "which is told" grep -q "no longer there as a whole; its inputs are looked at here" "$scratch/err"
lacks "there" "on this machine" "$scratch/err"
change "evicted at the end"
code "left" 0 build --fetch none
: >"$at/evict"
code "forgotten before it is fetched" 0 build
right "is made again, too"
check "which is told, too" grep -q "cannot fetch output 'last' of 'last'" "$scratch/err"
engine garbles
mkdir -p "$at"
change garbled
code "left by one that garbles" 0 build --fetch none
code "what is garbled on its way" 0 build --fetch targets mid
check "is told" grep -q "warning" "$scratch/err"
same "and not used" "$(sh -c 'cat "$1"/large "$1"/text "$1"/large "$1"/text' sh "$p/rootfs/etc" | sha256sum)" "$(sha256sum <"$p/out/mid/mid")"
engine lies
mkdir -p "$at"
change "a lie"
code "a worker that tells of other bytes" 0 build
check "is found out by the next" grep -q "kept other bytes of input 'big' than its worker told of" "$scratch/err"
check "and here" grep -q "cannot fetch output 'big' of 'big'" "$scratch/err"
right "and not believed"
engine lies
change "a lie at the end"
code "left by a liar" 0 build --fetch none big
code "who is found out when the bytes come" 0 build big
check "which is told" grep -q "do not make what its record names" "$scratch/err"
same "and not believed" "$(want | sha256sum)" "$(sha256sum <"$p/out/big/big")"
engine
change "the farm is gone"
code "left" 0 build --fetch none mid
# shellcheck disable=SC2086
kill $helpers
code "by a farm that is gone" 0 build mid last
right "is made here"
check "which is told" grep -q "cannot fetch output" "$scratch/err"

echo "# several farms"
engine
first=$helper_port
helper tests/executor.py "$scratch/engine.other"
configure "grpc://127.0.0.1:$first grpc://127.0.0.1:$helper_port"
change several
code "two farms" 0 build
right "make it"
same "where the inputs are" 1 "$(for e in "$at" "$scratch/engine.other"; do grep -qs '^Execute' "$e/calls" && echo "$e"; done | wc -l)"
kill "$(echo "$helpers" | awk -v n="$(grep -qs '^Execute' "$at/calls" && echo 1 || echo 2)" '{ print $n }')"
change_last elsewhere
code "one is gone with what it kept" 0 build
right "the other makes it again"

echo "# several farms, and nodes without inputs there"
engine
first=$helper_port
helper tests/executor.py "$scratch/engine.idle"
configure "grpc://127.0.0.1:$first grpc://127.0.0.1:$helper_port"
for i in 1 2 3 4 5; do run alone$i rootfs/etc/text "sleep 5; cat rootfs/etc/text >x; echo $i >>x" x; done
pair= # two that a plan says the same executor has
for i in 2 3 4 5; do
	[ "$("$orch" -C "$p" plan --json alone1 alone$i | jq -r '[.nodes[] | select(.name | startswith("alone")).executor] | unique | length')" != 1 ] ||
		pair="alone1 alone$i"
done
check "two are another's by their number" test -n "$pair"
# shellcheck disable=SC2086
code "are made" 0 build $pair
same "side by side" "1 1" "$(grep -c '^Execute' "$at/calls") $(grep -c '^Execute' "$scratch/engine.idle/calls")"

echo "# a shared cache"
engine
printf '  cache: "file://%s"\n' "$scratch/cache" >>"$XDG_CONFIG_HOME/orch/config.yaml"
change "read"
code "a run that reads" 0 build --fetch targets
check "leaves what it may" grep -q "2 left there" "$scratch/err"
code "cache push" 0 "$orch" -C "$p" cache push
check "stores nothing that nobody here has seen" grep -q "2 not stored, whose bytes a farm alone has" "$scratch/out"
same "but the rest" 2 "$(find "$scratch/cache/ac" -type f | wc -l)"
change "write"
code "a run that writes" 0 build --remote-write
lacks "sees all that it signs" "left there" "$scratch/err"
check "and stores it" grep -q "3 stored there" "$scratch/err"
code "gc" 0 "$orch" -C "$p" store gc --size 1M
finish
