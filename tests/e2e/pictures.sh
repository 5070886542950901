#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch timings and orch graph: what ran when, what a run waited for, and the pages and pictures of it.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes"
printf 'schema: 1\nname: demo\nversion: "1"\ndefault: [all]\n' >"$p/recipes/project.yaml"
# node NAME SECONDS [INPUT...]
node() {
	node_name=$1
	{
		echo 'kind: run'
		echo "run: ['sleep $2; echo $1 >x']"
		echo 'outputs: [x]'
		shift 2
		[ $# = 0 ] || echo "inputs: [$(echo "$*" | tr ' ' ,)]"
	} >"$p/recipes/$node_name.yaml"
}
node base 0.3
node long 1 base
node short 0.2 base
node all 0.2 long short
o() { "$orch" -C "$p" "$@"; }
# well_formed FILE: as XML, which both are written to be; loads nothing.
well_formed() {
	python3 -c 'import sys, xml.dom.minidom
text = open(sys.argv[1], encoding="utf-8").read()
xml.dom.minidom.parseString(text.replace("<!DOCTYPE html>", "", 1))
bad = [w for w in ("src=", "@import", "url(", "<script", "<link") if w in text.replace("url(#", "")]
assert not bad, bad' "$1"
}

code 'no run, no times' 2 o timings
check 'build' o build -j2
o timings --json >"$scratch/t.json"
same 'all ran' 'all base long short' "$(jq -r '[.ran[].node] | sort | join(" ")' "$scratch/t.json")"
same 'what the run waited for' 'base long all' \
	"$(jq -r '[.ran[] | select(.critical)] | sort_by(.began) | map(.node) | join(" ")' "$scratch/t.json")"
same 'inputs that ended last' 'long base base' \
	"$(jq -r '[.ran[] | select(.after)] | sort_by(.node) | map(.after) | join(" ")' "$scratch/t.json")"
same 'two at once have two slots' '[1,2]' "$(jq -c '[.ran[].slot] | unique' "$scratch/t.json")"
same 'nothing overlaps in a slot' true "$(jq '[.ran | group_by(.slot)[] | sort_by(.began)
	| [.[:-1], .[1:]] | transpose[] | .[0].began + .[0].seconds <= .[1].began + 0.01] | all' "$scratch/t.json")"
o timings >"$scratch/out"
check 'a table' grep -qE 'built +long +run +\* +#+$' "$scratch/out"
check 'of what is not critical, too' grep -qE 'built +short +run +=+$' "$scratch/out"
sed -i 's/echo long/echo longer/' "$p/recipes/long.yaml"
node fails 0 base
echo 'run: ["exit 3"]' >"$scratch/run" && sed -i "/^run/d" "$p/recipes/fails.yaml" && cat "$scratch/run" >>"$p/recipes/fails.yaml"
code 'a build that fails' 1 o build -k all fails
same 'tells of what failed' failed "$(o timings --json | jq -r '.ran[] | select(.node == "fails").status')"
same 'and of what was cached' 'base short' "$(o timings --json | jq -r '[.cached[].node] | sort | join(" ")')"
check 'a page' o timings --html "$scratch/t.html"
check 'that is well formed and loads nothing' well_formed "$scratch/t.html"
same 'with a bar for each' 3 "$(grep -c '<div class="bar' "$scratch/t.html")"
same 'and one for the run before' 4 "$(o timings ^1 --html "$scratch/u.html" && grep -c '<div class="bar' "$scratch/u.html")"
code 'a run that is not there' 2 o timings 99
code 'a page that cannot be written' 7 o timings --html "$scratch/none/t.html"
# The graph.
o graph --format svg >"$scratch/g.svg"
check 'a picture' well_formed "$scratch/g.svg"
same 'of all nodes' 'all base long short' "$(sed -n 's/.*class="name"[^>]*>\([^<]*\)<.*/\1/p' "$scratch/g.svg" | sort | paste -sd ' ')"
same 'and all edges' 4 "$(grep -c 'class="edge"' "$scratch/g.svg")"
same 'of which one is a target' 1 "$(grep -c 'class="target"' "$scratch/g.svg")"
check 'with status, time and size' grep -qE 'class="box cached".*run · [0-9.]+ s · 6 B<' "$scratch/g.svg"
sed -i 's/echo base/echo basis/' "$p/recipes/base.yaml"
o graph --format svg >"$scratch/g.svg"
check 'what would be built, and why' grep -qF 'base: run, build: option' "$scratch/g.svg"
same 'what perhaps' 3 "$(grep -c 'class="box perhaps".*rx="6"' "$scratch/g.svg")"
edges() { o graph --json "$@" | jq -r '[.edges[] | "\(.from)-\(.to)"] | sort | join(" ")'; }
same 'what a node needs and what needs it' 'base-long long-all' "$(edges --focus long)"
same 'a step away' 'base-long base-short' "$(edges --focus base --depth 1)"
same 'all of it' 'base-long base-short long-all short-all' "$(edges --focus base)"
code 'a node that is not there' 2 o graph --focus lon
check 'with the one that is meant' grep -q "'long'" "$scratch/err"
code 'a depth of nothing' 2 o graph --depth 1
# Places: no two nodes over each other, whatever the graph.
"$orch" graph --no-status --format svg >"$scratch/r.svg"
check 'the reference project' well_formed "$scratch/r.svg"
check 'no node lies on another' python3 -c 'import re, sys
boxes = [tuple(map(float, m)) for m in re.findall(
    r"class=\"box kind\"[^>]* x=\"([\d.-]+)\" y=\"([\d.-]+)\" width=\"([\d.]+)\" height=\"([\d.]+)\" rx=\"6\"",
    open(sys.argv[1]).read())]
assert len(boxes) > 20, len(boxes)
for i, (x, y, w, h) in enumerate(boxes):
    for X, Y, W, H in boxes[:i]:
        assert x + w <= X or X + W <= x or y + h <= Y or Y + H <= y, (x, y, X, Y)' "$scratch/r.svg"
check 'docs/overview.svg is of these recipes: orch graph --no-status --format svg >docs/overview.svg' \
	cmp docs/overview.svg "$scratch/r.svg"
finish
