#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The command line on a small project of 'run' nodes: what rebuilds and what does not, out/, the store
# after damage, the reading commands.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
export ORCH_STORE="$scratch/store"
unset NO_COLOR CLICOLOR_FORCE
p=$scratch/p

# src/ -> a -> b -> c, and beside it other.txt -> d.
new_project() {
	mkdir -p "$p/recipes" "$p/src/deep"
	cat >"$p/recipes/project.yaml" <<-'END'
		schema: 1
		name: small
		version: "1.0"
		default: [c, d]
		vars: {word: hello}
	END
	cat >"$p/recipes/a.yaml" <<-'END'
		kind: run
		inputs: [src]
		run: |
		  cat src/one src/deep/two >all
		outputs: [all]
	END
	cat >"$p/recipes/b.yaml" <<-'END'
		kind: run
		inputs: [a]
		run: ["wc -l <a >lines"]
		outputs: [lines]
	END
	cat >"$p/recipes/c.yaml" <<-'END'
		kind: run
		inputs: [b]
		run:
		  - "echo ${word} >c"
		  - "cat b >>c"
		outputs: [c]
	END
	cat >"$p/recipes/d.yaml" <<-'END'
		kind: run
		inputs: [other.txt]
		run: [[cp, other.txt, copy]]
		outputs: [copy]
	END
	printf 'one\n' >"$p/src/one"
	printf 'two\n' >"$p/src/deep/two"
	printf 'other\n' >"$p/other.txt"
}

digest() { jq -r --arg n "$1" '.nodes[] | select(.name == $n) | .outputs[0].digest' "$result"; }
# blob NODE: where the store keeps its output.
blob() { digest "$1" | sed -E "s|^sha256:(..)(.*)|$ORCH_STORE/cas/\\1/\\2|"; }
damage() {
	chmod u+w "$1"
	echo damaged >"$1"
}
escapes() { cat "$@" | grep -c "$(printf '\033')"; }

new_project

echo "# first build"
same "first build builds all" "a b c d" "$(built "$p")"
same "output of a chain" "hello 2" "$(tr '\n' ' ' <"$p/out/c/c" | sed 's/ *$//')"
check "result-json" jq -e '.v == 1 and .ok and .wall_s > 0 and (.nodes | length) == 4' "$result"
same "digest of a file" "sha256:$(sha256sum <"$p/out/d/copy" | cut -d' ' -f1)" "$(digest d)"
same "path of an output" "out/d/copy" "$(jq -r '.nodes[] | select(.name == "d") | .outputs[0].path' "$result")"
check "only targets are in out/" test ! -e "$p/out/a"
same "no escape byte in a pipe" 0 "$(escapes "$scratch/out" "$scratch/err")"
same "the result has the modes of any file" "$(touch "$scratch/any" && stat -c %a "$scratch/any")" "$(stat -c %a "$result")"
mkfifo "$scratch/pipe"
timeout 20 cat "$scratch/pipe" >"$scratch/piped" &
code "a result into a pipe" 0 "$orch" -C "$p" build --result-json "$scratch/pipe"
check "does not replace it" test -p "$scratch/pipe"
wait
check "and arrives" jq -e '.ok' "$scratch/piped"
ln -s linked "$scratch/link"
: >"$scratch/linked"
code "a result through a link" 0 "$orch" -C "$p" build --result-json "$scratch/link"
check "is behind it" test -s "$scratch/linked"
(cd "$scratch" && "$orch" -C p --store st build --result-json r.json --events e.json --progress quiet) >/dev/null
check "-C is where it starts" test -s "$p/r.json" -a -s "$p/e.json" -a -d "$p/st"
rm -rf "$p/r.json" "$p/e.json" "$p/st"
code "-C into nothing" 2 "$orch" -C "$scratch/nothing" kinds
code "a result for a directory" 2 "$orch" -C "$p" build --set word=never --result-json "$scratch"
code "a result in no directory" 2 "$orch" -C "$p" build --set word=never --result-json "$scratch/none/r"
same "is refused before anything is built" 0 "$(grep -c never "$scratch/err")"
same "and built nothing" hello "$(head -n 1 "$p/out/c/c")"
"$orch" -C "$p" build >"$scratch/out" 2>"$scratch/err"
check "summary names each target" grep -q '^out/c/c ' "$scratch/out"

echo "# what must not rebuild"
same "second run" "" "$(built "$p")"
touch "$p/src/one" "$p/recipes/a.yaml"
same "touch" "" "$(built "$p")"
printf '# a comment\n\n' >>"$p/recipes/b.yaml"
same "a comment" "" "$(built "$p")"
(umask 077 && cp -R "$p" "$scratch/elsewhere" && rm -rf "$scratch/elsewhere/out")
same "another clone directory and umask" "" "$(built "$scratch/elsewhere")"
check "its outputs appear there" test -f "$scratch/elsewhere/out/c/c"
chmod 600 "$p/src/one"
same "a mode without x" "" "$(built "$p")"
chmod 644 "$p/src/one"

echo "# what must rebuild, and where it stops"
printf 'uno\n' >"$p/src/one"
same "an edit stops where the result is the same" "a b" "$(built "$p")"
printf 'three\n' >>"$p/src/deep/two"
same "an edit that changes results" "a b c" "$(built "$p")"
printf 'new\n' >"$p/src/three"
same "a new file in an input directory" "a" "$(built "$p")"
rm "$p/src/three"
same "what was built before" "" "$(built "$p")"
chmod 755 "$p/src/one"
same "the x bit of an input" "a" "$(built "$p")"
chmod 644 "$p/src/one"
printf 'else\n' >"$p/other.txt"
same "only the edited branch" "d" "$(built "$p")"
same "a variable reaches its users only" "c" "$(built "$p" --set word=bye)"
check "and its value arrives" grep -q bye "$p/out/c/c"
same "the old value is cached" "" "$(built "$p")"
check "and placed again" grep -q hello "$p/out/c/c"

echo "# out/ belongs to the user"
rm -rf "$p/out"
same "out/ deleted: nothing to build" "" "$(built "$p")"
check "out/ comes back" test -f "$p/out/c/c"
before=$(stat -c '%i %Y %Z' "$p/out/c/c")
same "nothing to build for it" "" "$(built "$p")"
same "an unchanged output is not copied again" "$before" "$(stat -c '%i %Y %Z' "$p/out/c/c")"
damage "$p/out/c/c"
same "an edited output: nothing to build" "" "$(built "$p")"
check "an edited output is restored" grep -q hello "$p/out/c/c"
same "no hard link into the store" 1 "$(stat -c %h "$p/out/c/c")"

echo "# the store heals"
code "verify" 0 "$orch" store verify
damage "$(blob c)"
code "verify finds a damaged blob" 6 "$orch" store verify
rm -rf "$p/out"
same "the next build makes it again" "c" "$(built "$p")"
check "rightly" grep -q hello "$p/out/c/c"
damage "$(blob c)"
rm -rf "$p/out"
same "damage is found without verify" "c" "$(built "$p")"
rm -f "$(blob c)"
rm -rf "$p/out"
same "a missing blob is made again" "c" "$(built "$p")"
digests=$(jq -c '[.nodes[] | [.name, .outputs[0].digest]]' "$result")
rm -rf "$ORCH_STORE"
same "without a store all is built" "a b c d" "$(built "$p")"
same "to the same digests" "$digests" "$(jq -c '[.nodes[] | [.name, .outputs[0].digest]]' "$result")"

echo "# reading commands"
code "plan with nothing to do" 0 "$orch" -C "$p" plan --exit-code
printf 'four\n' >>"$p/src/deep/two"
code "plan --exit-code" 3 "$orch" -C "$p" plan --exit-code
"$orch" -C "$p" plan --json >"$scratch/plan" 2>&1
check "plan: to build" jq -e '[.nodes[] | select(.verdict == "build").name] == ["a"]' "$scratch/plan"
check "plan: perhaps" jq -e '[.nodes[] | select(.verdict == "perhaps").name] == ["b", "c"]' "$scratch/plan"
check "plan: cached" jq -e '.cached == 1' "$scratch/plan"
"$orch" -C "$p" build -n >"$scratch/out" 2>&1
check "build -n is plan" grep -q '^1 to build, 2 perhaps, 1 cached' "$scratch/out"
same "plan builds nothing" "a b c" "$(built "$p")"
printf 'five\n' >>"$p/src/deep/two"
"$orch" -C "$p" why a >"$scratch/out" 2>&1
check "why names the file" grep -q 'src/deep/two' "$scratch/out"
check "why names what follows" grep -q 'b, c' "$scratch/out"
"$orch" -C "$p" why c >"$scratch/out" 2>&1
check "why of a node behind it" grep -q 'waits for: a' "$scratch/out"
same "the edit is built" "a b c" "$(built "$p")"
"$orch" -C "$p" why a >"$scratch/out" 2>&1
check "why of what was built" grep -q 'src/deep/two' "$scratch/out"
"$orch" -C "$p" why a --json >"$scratch/out" 2>&1
check "why --json" jq -e '.changes[0].name | contains("two")' "$scratch/out"
long=$scratch/long
mkdir -p "$long/recipes"
printf 'schema: 1\nname: long\nversion: "1"\n' >"$long/recipes/project.yaml"
awk -v d="$long/recipes" 'BEGIN {
	for (i = 0; i < 20000; i++) {
		f = d "/n" i ".yaml"
		print "kind: run\nrun: [\": >o\"]\noutputs: [o]" >f
		if (i) print "inputs: [n" i - 1 "]" >f
		close(f)
	}
}'
code "why at the foot of a long chain" 0 sh -c "ulimit -s 512; exec '$ORCH' -C '$long' why n0"
check "names the rest of it" grep -q 'n20 and 19979 more' "$scratch/out"
code "why at its head" 0 sh -c "ulimit -s 512; exec '$ORCH' -C '$long' why n19999"
check "waits for its foot" grep -q 'waits for: n0$' "$scratch/out"
rm -rf "$long"
code "why of an unknown node" 2 "$orch" -C "$p" why nothing
"$orch" -C "$p" graph >"$scratch/out" 2>&1
check "graph" grep -q '"a" -> "b"' "$scratch/out"
"$orch" -C "$p" graph --format json >"$scratch/out" 2>&1
check "graph as JSON" jq -e '(.nodes | length) == 4 and (.edges | length) == 2' "$scratch/out"
"$orch" -C "$p" graph --format mermaid >"$scratch/out" 2>&1
check "graph as Mermaid" grep -q '^flowchart' "$scratch/out"
"$orch" -C "$p" graph --format svg >"$scratch/out" 2>&1
check "graph as SVG" grep -q '</svg>' "$scratch/out"
"$orch" -C "$p" runs --json >"$scratch/out" 2>&1
check "runs" jq -e '.runs[0].finished and .runs[0].exit_code == 0' "$scratch/out"
"$orch" -C "$p" diff ^1 ^0 --json >"$scratch/out" 2>&1
check "diff of two runs" jq -e '[.nodes[].node] == ["a", "b", "c"]' "$scratch/out"
code "kinds" 0 "$orch" kinds
code "keys of a kind" 0 "$orch" kinds run
check "describe inputs" grep -q inputs "$scratch/out"
code "keys of a kind as JSON" 0 "$orch" kinds run --json
check "have inputs" jq -e '.ok and .kind == "run" and .schema.properties.inputs' "$scratch/out"
code "keys of a project as JSON" 0 "$orch" kinds project --json
check "have slots" jq -e '.schema.properties.slots' "$scratch/out"
code "schema" 0 "$orch" schema
check "is JSON" jq -e . "$scratch/out"
code "check" 0 "$orch" -C "$p" check

echo "# events"
"$orch" -C "$p" build --set word=again --events "$scratch/events" --progress quiet >"$scratch/out" 2>"$scratch/err"
check "events are JSON lines" jq -e -s 'map(.v) | all(. == 1)' "$scratch/events"
check "from start to end" jq -e -s '[.[].event] | .[0] == "run_start" and .[-1] == "run_end" and any(. == "node_built")' "$scratch/events"
lacks "times have three decimals" '"t":[0-9]+\.[0-9]{4}' "$scratch/events"
same "quiet is quiet" 0 "$(cat "$scratch/out" "$scratch/err" | wc -c)"
code "events that cannot be written" 8 "$orch" -C "$p" build --events /dev/full
"$orch" -C "$p" build --progress json >/dev/null 2>"$scratch/err"
check "progress json" jq -e -s 'length > 1' "$scratch/err"
finish
