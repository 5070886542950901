#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# 'cache: NAME': what steps of a project keep between runs, that it is in no key, that 'orch repro' begins without
# it, and that it goes with 'orch store gc'.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
recipe() { cat >"$p/recipes/$1.yaml"; } # NAME, text on stdin
mkdir -p "$p/recipes"
printf 'schema: 1\nname: demo\nversion: "1"\ndefault: [one]\n' | recipe project
# node NAME [LINE...]: one that says whether somebody was there before, and who.
node() {
	{
		printf 'kind: run\nrun: ["if [ -d /cache ]; then cat /cache/* 2>/dev/null || echo first; echo %s >>/cache/was; else echo none; fi >said"]\noutputs: [said]\n' "$1"
		shift
		[ $# = 0 ] || printf '%s\n' "$@"
	} | recipe "${node_name:=$1}"
}
# said NODE: what it said when it was built now.
said() { if "$ORCH" -C "$p" build "$1" >"$scratch/out" 2>"$scratch/err"; then xargs <"$p/out/$1/said"; else cat "$scratch/err"; fi; }
for n in one two; do node_name=$n node $n 'cache: own'; done
node_name=other node other 'cache: another'
node_name=none node none

echo "# what is kept"
same "the first finds nothing" first "$(said one)"
same "the second what that left" one "$(said two)"
same "under another name nothing is" first "$(said other)"
same "who asks for none has none" none "$(said none)"
cp -R "$p" "$scratch/q"
sed -i 's/^run: /env: {ANOTHER: node}\nrun: /' "$scratch/q/recipes/one.yaml"
same "another project has another" first "$("$ORCH" -C "$scratch/q" build one >"$scratch/out" 2>&1 && cat "$scratch/q/out/one/said")"
echo 'cache: own' >>"$p/recipes/none.yaml"
same "it is in no key" none "$(said none)"

echo "# variables"
# shellcheck disable=SC2016
printf 'kind: run\ncache: own\nenv: {CCACHE_MAXSIZE: 1G}\nrun: ["echo $CCACHE_DIR $ORCH_CACHE_DIR $CCACHE_MAXSIZE >said"]\noutputs: [said]\n' | recipe variables
same "for ccache" "/cache /cache 1G" "$(said variables)"

echo "# repro"
sed -i 's/^run: /env: {LATER: node}\nrun: /' "$p/recipes/two.yaml"
same "a node that tells" "one two" "$(said two)"
code "is found out: exit 3" 3 "$ORCH" -C "$p" repro two
printf 'kind: run\ncache: own\nrun: ["echo x >>/cache/was; echo same >said"]\noutputs: [said]\n' | recipe good
code "one that does not is good" 0 "$ORCH" -C "$p" repro good

echo "# the store"
"$ORCH" -C "$p" store du >"$scratch/du" 2>&1
check "du tells of it" grep -q 'what builds keep for themselves' "$scratch/du"
check "gc of all" "$ORCH" -C "$p" store gc --size 1
same "takes it, too" "" "$(find "$ORCH_STORE/caches" -type f)"
sed -i 's/^run: /env: {AGAIN: node}\nrun: /' "$p/recipes/one.yaml"
same "and the next begins without" first "$(said one)"
finish
