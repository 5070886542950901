#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds that share a cache, here a directory: results are made once, bytes move when something needs
# them, and whatever is wrong with the cache, or with what speaks to it, costs time alone.
. tests/e2e/lib.sh

cache=$scratch/cache
XDG_CONFIG_HOME=$scratch/config
unset ORCH_CACHE ORCH_CACHE_TOKEN
export XDG_CONFIG_HOME
mkdir -p "$cache" "$XDG_CONFIG_HOME"

# project DIRECTORY: a value, a chain of files, an image of them with somebody's keyring, a target.
project() {
	mkdir -p "$1/recipes" "$1/files"
	printf 'schema: 1\nname: demo\nversion: "1"\ntimes: 2025-01-01\ndefault: [card]\n' \
		>"$1/recipes/project.yaml"
	awk 'BEGIN { for (i = 0; i < 90000; i++) print "line", i * i }' >"$1/files/large"
	cat >"$1/recipes/tag.yaml" <<-'END'
		kind: run
		share: true
		run: echo 1.2 >tag
		outputs: [tag]
	END
	cat >"$1/recipes/raw.yaml" <<-'END'
		kind: run
		share: true
		inputs: [files]
		run: sort files/large >raw
		outputs: [raw]
	END
	cat >"$1/recipes/app.yaml" <<-'END'
		kind: run
		share: true
		inputs: ["raw:raw"]
		env: {TAG: "${tag:tag}"}
		run: "{ echo $TAG; head -n 60000 raw; } >app"
		outputs: [app]
	END
	printf 'kind: pki\nkey: pki/private/signer.key\ncert: pki/signer.pem\nkeyring: pki/keyring.pem\n' \
		>"$1/recipes/pki.yaml"
	cat >"$1/recipes/card.yaml" <<-'END'
		kind: image
		filesystem: ext4
		size: 32M
		contents:
		  - {copy: "app:app", to: /app}
		  - {copy: "pki:keyring.pem", to: /keyring.pem}
	END
}

# machine DIRECTORY: a checkout without private keys, on a machine that has nothing.
machine() {
	rm -rf "$1" "$scratch/store"
	cp -r "$scratch/p" "$1"
	rm -rf "$1/pki/private" "$1/out"
	cd "$1" || exit 1
}

# build ARGUMENT...: what it says is in $scratch/said.
build() { "$orch" --store "$scratch/store" build --progress plain --result-json "$result" "$@" \
	>"$scratch/said" 2>&1; }
said() { grep -q -e "$1" "$scratch/said"; }
shows() { sed 's/^/  /' "$scratch/said"; }
# counts BUILT CACHED
counts() { said "built $1, cached $2, failed 0, skipped 0"; }
same_card() { cmp -s out/card/card.img "$scratch/card.img"; }
# expect NAME COMMAND...: what is said is shown when it fails.
expect() {
	expect_name=$1
	shift
	if "$@"; then ok "$expect_name"; else shows; not_ok "$expect_name"; fi
}
with_key() { cp -r "$scratch/p/pki/private" pki/; }

here=$PWD
project "$scratch/p"
cd "$scratch/p" || exit 1
check 'keys' "$orch" pki init
export ORCH_CACHE="file://$cache"

# --- write and read ---

with_key 2>/dev/null
build --remote-write || shows
expect 'the first build stores what it makes' counts 5 0
expect 'and says so' said '5 stored there'
cp out/card/card.img "$scratch/card.img"
expect 'a run that has nothing to do' build
ORCH_CACHE=file:///nowhere/at/all build
expect 'asks nobody' counts 0 5
expect 'and so finds nothing wrong' test "$(grep -c warning "$scratch/said")" = 0

machine "$scratch/m"
expect 'a machine that has nothing, without keys' build
expect 'builds nothing' counts 0 5
expect 'and has the same card' same_card
expect 'timings say what came' eval \
	'"$orch" --store "$scratch/store" timings >"$scratch/said" && said "5 from the shared cache (.* fetched)"'
expect 'and runs' eval '"$orch" --store "$scratch/store" runs >"$scratch/said" && said "5 fetched ("'
fetched=$(sed -n 's/.*fetched_bytes": \([0-9]*\).*/\1/p' "$result" | awk '{ n += $1 } END { print n }')
whole=$(du -k --apparent-size "$scratch/p/files/large" | cut -f1)
expect 'whose bytes are about all that moved' test "$((fetched / 1024))" -lt "$((whole * 3))"
expect 'result-json says what came' grep -q '"shared": true' "$result"
raw=$(grep -c '"name": "raw"' "$result")
expect 'and knows all nodes' test "$raw" -ge 1
expect 'what only a result is known of: image cat' \
	eval '! "$orch" --store "$scratch/store" image cat app >/dev/null 2>"$scratch/said" &&
	said "orch build app"'
check 'store verify takes absent bytes for no damage' "$orch" --store "$scratch/store" store verify
expect 'plan and why say what would be fetched' eval \
	'rm -rf "$scratch/store"; "$orch" --store "$scratch/store" plan --remote >"$scratch/said" &&
	said "in the shared cache, made by" && said "3 in the shared cache, .* to fetch" &&
	"$orch" --store "$scratch/store" why --remote tag >"$scratch/said" && said "to fetch"'
build
expect 'plan says all is cached' eval '"$orch" --store "$scratch/store" plan >"$scratch/said" &&
	said "0 to build, 0 perhaps, 5 cached"'
expect 'a target that is named later' build app
expect 'is fetched' test -s out/app/app

machine "$scratch/m"
expect '--fetch none brings nothing' build --fetch none
expect 'and builds nothing' eval 'counts 0 5 && ! [ -e out/card/card.img ]'
echo changed >>files/large
with_key
expect 'a change builds what it reaches' build
expect 'and takes the rest' counts 3 2

machine "$scratch/m"
expect '--offline asks nobody, nor for keys' build --offline
expect 'and builds all of it' counts 5 0
expect 'to the same bytes' same_card

# --- what is wrong with the cache ---

# wrong NAME: a machine without anything builds or takes what it can: the same card, and no failure.
wrong() {
	machine "$scratch/m"
	with_key
	expect "$1: the build is done" build
	expect "$1: the same card" same_card
}

cp -r "$cache" "$scratch/good"
again() {
	chmod -R u+rwX "$cache"
	rm -rf "$cache"
	cp -r "$scratch/good" "$cache"
}

rm -rf "$cache/cas"
wrong 'evicted bytes'
expect 'evicted bytes: nothing is taken' counts 5 0
again
find "$cache/cas" -type f | while read -r f; do
	chmod u+w "$f"
	printf X | dd of="$f" bs=1 seek=0 conv=notrunc 2>/dev/null
done
wrong 'wrong bytes'
again
find "$cache/cas" -type f -size +2k -exec sh -c 'chmod u+w "$1"; : >"$1"' - {} \;
wrong 'empty blobs'
again
find "$cache/ac" -type f -exec sh -c 'chmod u+w "$1"; echo nonsense >"$1"' - {} \;
wrong 'nonsense for results'
expect 'nonsense for results: all is built' counts 5 0
again
one=$(find "$cache/ac" -type f | head -n 1)
find "$cache/ac" -type f -exec sh -c '[ "$1" = "$2" ] || { chmod u+w "$1"; cp "$2" "$1"; }' - {} "$one" \;
wrong 'results under the names of others'
again
chmod 0 "$cache"
wrong 'a cache that cannot be entered'
expect 'a cache that cannot be entered: few words' test "$(grep -c warning "$scratch/said")" -le 2
machine "$scratch/m"
with_key
build --remote-required
expect '--remote-required: it fails' test $? = 4
again
rm -rf "$cache"
: >"$cache"
wrong 'a file in its place'
rm -f "$cache"
mkdir "$cache"
again
chmod -R a-w "$cache"
machine "$scratch/m"
with_key
echo changed >>files/large
expect 'a cache that cannot be written' build --remote-write
expect 'a cache that cannot be written: what is there is taken' counts 3 2
again

# --- who speaks to it ---

# The helper of the orch that runs ends at a random moment.
i=0
while [ $i -lt 10 ]; do
	i=$((i + 1))
	machine "$scratch/m"
	with_key
	build --remote-write &
	pid=$!
	awk -v seed="$i$pid" 'BEGIN { srand(seed); system("sleep " rand() * 1.5) }'
	for orch_pid in $(pgrep -P $pid) $pid; do
		pkill -9 -P "$orch_pid" orch-helper
	done
	wait $pid || { shows; not_ok "a killed helper ($i)"; }
	same_card || { shows; not_ok "a killed helper ($i): the same card"; }
	[ "$(grep -c warning "$scratch/said")" -le 2 ] || { shows; not_ok "a killed helper ($i): few words"; }
done
ok 'a helper that is killed, ten times'

# --- other keys ---

machine "$scratch/m"
rm -rf pki
check 'keys of their own' "$orch" pki init
expect 'another clone with its own keys' build --remote-write
expect 'takes what has nothing of them in it' counts 2 3
expect 'and has a card of its own' eval '! same_card'
expect 'options that need a cache say so' \
	eval '! ORCH_CACHE= build --remote-write && said "no shared cache is configured"'

cd "$here" || exit 1
finish
