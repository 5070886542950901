#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The reference project on a farm of two workers (buildbox-casd) that share a cache (bazel-remote): the
# bytes of every node are those that are made here.
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
code "a plan" 0 "$orch" -C "$p" --store "$scratch/far" plan
if [ -d "$local_store/downloads" ]; then # what Debian's archive is not asked for again
	cp -a "$local_store/downloads/." "$scratch/far/downloads/"
fi
check "tells what is sent" grep -q '^sent to .*minimal' "$scratch/out"
targets=${FARM_TARGETS:-$(sed -n 's/^sent to [^:]*:[^:]*:[0-9]*[^:]*: //p' "$scratch/out" | tr -d ',')}
# shellcheck disable=SC2086
code "the farm makes it" 0 whole "$scratch/far.json" "$scratch/far" $targets
sed 's/^/  /' "$scratch/err"
lacks "all that was sent" 'made on this machine' "$scratch/err"
made "$scratch/far.json" >"$scratch/got"
same "to the same bytes" "" "$(grep -vxFf "$scratch/want" "$scratch/got")"
check "of something" test -s "$scratch/got"
finish
