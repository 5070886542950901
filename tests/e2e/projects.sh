#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Projects that share a store share results and nothing else: two with nodes of the same names, and two
# checkouts of one, edited in turn.
. tests/e2e/lib.sh
copy_orch "$ORCH_ASAN" "$scratch"
orch=$scratch/orch
export ORCH_STORE="$scratch/store"
cd "$scratch" || exit 1

# project DIR NAME WORD: 'base' prints WORD into its log and result, 'root' uses it.
project() {
	mkdir -p "$1/recipes" "$1/src"
	printf 'schema: 1\nname: %s\nversion: "1"\ndefault: [root]\n' "$2" >"$1/recipes/project.yaml"
	echo "$3" >"$1/src/word"
	printf 'kind: run\ninputs: [src]\nrun: ["cat src/word; cp src/word x"]\noutputs: [x]\n' >"$1/recipes/base.yaml"
	printf 'kind: run\ninputs: [base]\nrun: ["cat base | tee y"]\noutputs: [y]\n' >"$1/recipes/root.yaml"
}
# of DIR ARG...: what a reading command of that project says, without digests and directories.
of() {
	of_dir=$1
	shift
	"$orch" -C "$of_dir" "$@" 2>&1 | sed -e "s|'$scratch/|'|g" -e 's/sha256:[0-9a-f]\{12\}/DIGEST/g'
}
reason() { # DIR NODE
	"$orch" -C "$1" plan --json | jq -r --arg n "$2" '.nodes[] | select(.name == $n).reason' |
		sed -e "s|'$scratch/|'|g" -e 's/sha256:[0-9a-f]\{12\}/DIGEST/g'
}
last_run() { "$orch" -C "$1" runs --json | jq -r '.runs[0].run'; }

echo "# two projects with nodes of the same names"
project one first-product one
project two second-product two
code "the first builds" 0 "$orch" -C one build
same "the second was never built" "never built" "$(reason two base)"
same "and has no times but a guess" true "$("$orch" -C two plan --json | jq '.nodes[0].guessed')"
same "no runs" 0 "$("$orch" -C two runs --json | jq '.runs | length')"
code "and no log" 2 "$orch" -C two log base
check "which it says" grep -q 'this project never built it' "$scratch/err"
code "nothing failed in it" 2 "$orch" -C two log
check "which it says, too" grep -q 'no node of this project failed' "$scratch/err"
fail() { sed -i 's/cat src/false; cat src/' "$1/recipes/base.yaml"; }
mend() { sed -i 's/false; //' "$1/recipes/base.yaml"; }
fail two
code "the second fails" 1 "$orch" -C two build
same "the first did not" 2 "$("$orch" -C one log >/dev/null 2>&1; echo $?)"
check "its log is its own" sh -c "'$orch' -C one log base 2>&1 | grep -qx one"
fail one
code "the first fails, too" 1 "$orch" -C one build
same "each failure has its directory" 2 "$(find "$ORCH_STORE/failed" -mindepth 1 -maxdepth 1 -name 'base.*' | wc -l)"
for p in one two; do
	same "a shell in $p is where $p failed" "$p" "$(echo 'cat src/word' | "$orch" -C $p shell base 2>/dev/null)"
	echo 'touch mine-'$p | "$orch" -C $p shell base 2>"$scratch/err"
	check "which it says of $p" grep -q 'where step 1 of 1 failed' "$scratch/err"
done
same "and finds what was left there" mine-two "$(echo 'ls | grep mine' | "$orch" -C two shell base 2>/dev/null)"
mend one
mend two
code "the second is mended" 0 "$orch" -C two build
same "its directory goes, the first's stays" 1 "$(find "$ORCH_STORE/failed" -mindepth 1 -maxdepth 1 -name 'base.*' | wc -l)"
same "the first is as it was before" unchanged "$(reason one base)"
echo three >one/src/word
same "why compares with the same project" 'base  will be built, because
  file src/word DIGEST -> DIGEST
  what follows from it: root' "$(of one why base)"
same "an edit of one is none of the other" unchanged "$(reason two base)"

echo "# numbers of runs"
theirs=$(last_run two)
code "the log of another project's run" 2 "$orch" -C one log base -r "$theirs"
check "is told to be that" grep -q "run $theirs is of project 'second-product' in '$scratch/two'" "$scratch/err"
code "as is a difference" 2 "$orch" -C one diff "$theirs" "$theirs"
code "--all takes it" 0 "$orch" -C one log base -r "$theirs" --all
check "and says whose it is" grep -q "of project 'second-product' in '$scratch/two'" "$scratch/err"
same "runs --all names both" '["first-product","second-product"]' \
	"$("$orch" -C one runs --all --json | jq -c '[.runs[].project.name] | unique')"
same "outside of a project, too" 2 "$("$orch" runs --json | jq '[.runs[].project.name] | unique | length')"
same "a table of one project has no directories" 0 "$("$orch" -C one runs | grep -c DIRECTORY)"

echo "# two checkouts of one project"
project a product same
code "the first builds" 0 "$orch" -C a build
run_a=$(last_run a)
cp -R a b
rm -rf b/out
same "a fresh one is cached, and says from where" "built in run $run_a of 'a'" "$(reason b base)"
same "so does why" "base  cached: built in run $run_a of 'a'
  what follows from it: root" "$(of b why base)"
code "it has no log yet" 2 "$orch" -C b log base
"$orch" -C b build --result-json "$scratch/result.json" >/dev/null 2>&1
same "nothing is built" '["cached"]' "$(jq -c '[.nodes[].status] | unique' "$scratch/result.json")"
run_b=$(last_run b)
same "which is a run of its own" "[\"cached\",$run_b]" "$("$orch" -C b log base --json | jq -c '[.status, .run]')"
same "with the log of what it took" same "$(of b log base | sed -n '$p')"
same "then nothing is new" unchanged "$(reason b base)"
"$orch" -C b build >/dev/null 2>&1
same "nor leaves a run" "$run_b" "$(last_run b)"
echo edited >b/src/word
same "an edit is compared with its own" "file src/word DIGEST -> DIGEST" "$(reason b base)"
same "times are the other's, and shown as that" "$scratch/a" \
	"$("$orch" -C b plan --json | jq -r '.nodes[0].estimate_from')"
same "the other is as it was" unchanged "$(reason a base)"
code "the edit builds" 0 "$orch" -C b build
run_edit=$(last_run b)
same "times are its own now" null "$("$orch" -C b plan --json | jq '.nodes[0].estimate_from')"
echo edited >a/src/word
same "the other takes it" "built in run $run_edit of 'b'" "$(reason a base)"
same "and knows what that changes" "base  cached: built in run $run_edit of 'b'; since run $run_a
  file src/word DIGEST -> DIGEST
  what follows from it: root" "$(of a why base)"
"$orch" -C a build >/dev/null 2>&1
run_taken=$(last_run a)
same "afterwards it says what changed" "base  cached: built in run $run_edit of 'b', taken in run $run_taken, because
  file src/word DIGEST -> DIGEST
  what follows from it: root" "$(of a why base)"
same "a difference of runs that built nothing" '["base","root"]' \
	"$("$orch" -C a diff "$run_a" "$run_taken" --json | jq -c '[.nodes[].node] | sort')"
same "has digests, sizes and outputs" '["x",5,7,71]' \
	"$("$orch" -C a diff "$run_a" "$run_taken" --json | jq -c '.nodes[] | select(.node == "base") |
		[.after.outputs[0].name, .before.outputs[0].size, .after.outputs[0].size, (.after.outputs[0].digest | length)]')"

echo "# a directory that moves, and odd names"
mv a moved
same "it keeps its history" unchanged "$(reason moved base)"
same "and its runs" "$run_taken" "$(last_run moved)"
fail moved
code "a failure in it" 1 "$orch" -C moved build
mkdir aside
mv moved aside/
project moved product new
same "what comes to its place was never built" "never built" "$(reason moved base)"
same "has no runs" 0 "$("$orch" -C moved runs --json | jq '.runs | length')"
code "no log" 2 "$orch" -C moved log base
code "no failure" 2 "$orch" -C moved log
code "it builds" 0 "$orch" -C moved build
new_run=$(last_run moved)
echo newer >moved/src/word
same "why compares with its own" "base  will be built, because
  file src/word DIGEST -> DIGEST
  what follows from it: root" "$(of moved why base)"
same "the other has its runs" no "$("$orch" -C aside/moved runs --json | jq -r --arg r "$new_run" \
	'if any(.runs[]; .run == ($r | tonumber)) then "yes" else "no" end')"
check "its failure" sh -c "'$orch' -C aside/moved log 2>&1 | grep -q 'base: failed'"
echo 'touch left-behind' | "$orch" -C aside/moved shell base 2>"$scratch/err"
check "and what that left" grep -q 'where step 1 of 1 failed' "$scratch/err"
mend aside/moved
echo mended >aside/moved/src/word
code "it is mended" 0 "$orch" -C aside/moved build
same "both are listed where they are" "['$scratch/aside/moved','$scratch/moved']" \
	"$("$orch" runs --all --json | jq -c '[.runs[].project.root | select(endswith("moved"))] | unique' | tr '"' "'")"
rm -rf moved
mv aside/moved .
same "it comes back" unchanged "$(reason moved base)"
odd=$(printf 'odd \377 "name"\n;%%')
cp -R moved "$odd"
same "a copy with any bytes has none" 0 "$("$orch" -C "$odd" runs --json | jq '.runs | length')"
code "it builds" 0 "$orch" -C "$odd" build
check "its runs can be listed" "$orch" -C "$odd" runs --all
same "and are its own" 1 "$("$orch" -C "$odd" runs --json | jq '.runs | length')"
same "no byte that is no UTF-8 reaches the terminal" 0 "$("$orch" runs | LC_ALL=C grep -c "$(printf '\377')")"

echo "# a run that is killed"
printf 'kind: run\nrun: ["sleep 1000"]\noutputs: [x]\n' >moved/recipes/long.yaml
echo again >moved/src/word
"$orch" -C moved build base long -j 1 >/dev/null 2>&1 &
pid=$!
i=0
while [ -z "$(find "$ORCH_STORE/tmp" -maxdepth 1 -name 'long.*')" ] && [ $i -lt 300 ]; do
	sleep 0.1
	i=$((i + 1))
done
same "while it goes on" running "$("$orch" -C moved runs --json | jq -r '.runs[0].state')"
kill -9 $pid
wait $pid 2>/dev/null
same "and afterwards" '["killed",null,null]' \
	"$("$orch" -C moved runs --json | jq -c '.runs[0] | [.state, .exit_code, .wall_s]')"
"$orch" -C moved build base long -j 1 >/dev/null 2>&1 &
pid=$!
i=0
while [ -z "$(find "$ORCH_STORE/tmp" -maxdepth 1 -name "long.$pid.*")" ] && [ $i -lt 300 ]; do
	sleep 0.1
	i=$((i + 1))
done
kill -INT $pid
wait $pid 2>/dev/null
same "a run that was stopped" '["stopped",130]' \
	"$("$orch" -C moved runs --json | jq -c '.runs[0] | [.state, .exit_code]')"

echo "# a result that cannot be placed"
rm -rf moved/recipes/long.yaml moved/out
echo unseen >moved/src/word
touch moved/out
"$orch" -C moved build >/dev/null 2>&1
placed=$?
check "fails" test $placed != 0
same "with the exit code that history has" "$placed" "$("$orch" -C moved runs --json | jq '.runs[0].exit_code')"
finish
