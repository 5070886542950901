#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The reference project on a farm of two workers (buildbox-casd) that share a cache (bazel-remote): the
# bytes of every node are those that are made here, the guest's among them. They stay on the farm at
# first.
#
# FARM_TARGETS: the nodes that the farm makes, all that it may be sent when not given.
# packages
. tests/e2e/lib.sh
. tests/e2e/farm-lib.sh
p=$scratch/p
reference_project "$p"
local_store=$ORCH_STORE
# made RESULT: a line for each output.
made() { jq -r '.nodes[] | .name + " " + (.outputs[] | .name + " " + .digest)' "$1" | sort; }
# whole RESULT STORE WORD...: a build of it, with a store.
whole() {
	whole_result=$1 whole_store=$2
	shift 2
	ORCH_STORE=$whole_store "$orch" -C "$p" build --result-json "$whole_result" "$@"
}
code "the project is built here" 0 whole "$scratch/here.json" "$local_store"
[ "$failures" = 0 ] || finish
made "$scratch/here.json" >"$scratch/want"

unset ORCH_CACHE
# --- on a farm ------------------------------------------------------------------------------------------
tests/engines.sh get casd bazel-remote || { skip "no engines for a farm" && exit 77; }
mkdir -p "$workers/cache"
tests/engines.sh start bazel-remote "$workers/cache" --max_size 20 || exit 1
shared=http://127.0.0.1:$(cat "$workers/cache/bazel-remote.port")
for w in w1 w2; do
	worker $w --cas-remote="$shared" --ac-remote="$shared" || exit 1
done
farm "$(url w1)" "$(url w2)"
sed -i "s/jobs: 4/jobs: 8/" "$XDG_CONFIG_HOME/orch/config.yaml" # twice as many as there are places
code "a plan" 0 "$orch" -C "$p" --store "$scratch/far" plan
if [ -d "$local_store/downloads" ]; then # what Debian's archive is not asked for again
	cp -a "$local_store/downloads/." "$scratch/far/downloads/"
fi
check "tells what is sent" grep -q '^sent to .*minimal' "$scratch/out"
targets=${FARM_TARGETS:-$(sed -n 's/^sent to [^:]*:[^:]*:[0-9]*[^:]*: //p' "$scratch/out" | tr -d ',')}
# shellcheck disable=SC2086
code "the farm makes it" 0 whole "$scratch/far.json" "$scratch/far" --fetch none $targets
cp "$scratch/err" "$scratch/made"
sed 's/^/  /' "$scratch/made"
lacks "all that was sent" 'made on this machine' "$scratch/made"
check "and keeps what no other worker wanted" grep -qE " $(echo "$targets" | wc -w) made on a farm \([0-9]+ left there" "$scratch/made"
made "$scratch/far.json" >"$scratch/got"
same "to the same bytes, as its workers say" "" "$(grep -vxFf "$scratch/want" "$scratch/got")"
check "of something" test -s "$scratch/got"
# shellcheck disable=SC2086
code "which come, and are hashed here" 0 whole "$scratch/come.json" "$scratch/far" $targets
tail -n 1 "$scratch/err" | sed 's/^/  /'
same "without being made again" "" "$(jq -r '.nodes[] | select(.status == "built").name' "$scratch/come.json")"
made "$scratch/come.json" >"$scratch/got"
same "and are the same" "" "$(grep -vxFf "$scratch/want" "$scratch/got")"
[ -z "${FARM_TARGETS:-}" ] || finish
images() { rauc --keyring="$p/pki/keyring.pem" info --output-format=json "$p/out/bundle/bundle.raucb" | jq -c .images; }
# Who signs the bundle writes the time, and so does a scenario.
lasting() { grep -vE '^(bundle bundle\.raucb|tests/boot (console\.log|junit\.xml)) '; }
images >"$scratch/images"
code "the rest is made here" 0 whole "$scratch/all.json" "$scratch/far"
tail -n 1 "$scratch/err" | sed 's/^/  /'
same "and is what it is without a farm" "$(lasting <"$scratch/want")" "$(made "$scratch/all.json" | lasting)"
check "the bundle is another file" test "$(grep '^bundle ' "$scratch/want")" != "$(made "$scratch/all.json" | grep '^bundle ')"
same "with the same images" "$(cat "$scratch/images")" "$(images)"
check "which rauc lists" grep -q checksum "$scratch/images"
finish
