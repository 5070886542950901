#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What goes wrong and what is said: failing nodes, mistakes on the command line and in recipes, locks,
# signals.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
export ORCH_STORE="$scratch/store"
unset NO_COLOR CLICOLOR_FORCE
p=$scratch/p

mkdir -p "$p/recipes"
printf 'schema: 1\nname: failing\nversion: "1"\ndefault: [good]\n' >"$p/recipes/project.yaml"
recipe() { # NAME, text on stdin
	cat >"$p/recipes/$1.yaml"
}

recipe good <<'END'
kind: run
run: ["echo good >x"]
outputs: [x]
END
recipe bad <<'END'
kind: run
run:
  - |
    echo said
    printf '\033[31mred\033[0m\n'
    echo wrong >&2
    exit 7
outputs: [x]
END
recipe after <<'END'
kind: run
inputs: [bad]
run: ["true"]
outputs: []
END

# What a program prints who wants what steps do not have, and what orch says to it.
mkdir "$p/src"
echo x >"$p/src/data"
hint() { # NAME, SCRIPT, HINT
	printf 'kind: run\nrun:\n  - |\n    %s\noutputs: [App.bin]\n' "$2" >"$p/recipes/hint.yaml"
	code "hint-$1" 1 "$orch" -C "$p" build hint
	same "hint-$1-says" "$3" "$(sed -n 's/^hint: //p' "$scratch/err")"
}
echo "# hints"
hint network 'getent hosts archive.invalid || echo "curl: (6) Could not resolve host: archive.invalid"; exit 6' \
	"steps have no network: kind 'fetch' gets files by their digest, kind 'debian' locked packages and sources; a step takes them as inputs, or runs in their tree"
hint bash '[[ a = a ]]' "a step is a script of /bin/sh; one of bash is [bash, -ec, '…']"
hint input 'LC_ALL=C cp src/data App.bin' "'src/data' is in the project, but steps see only what 'inputs' names"
hint nothing 'cp src/none App.bin' ""
hint output ': >app.bin' ""
check "where the output is asked for" grep -q "^recipes/hint.yaml:5:11: outputs: .* no 'App.bin' .*: did you mean 'app.bin'" "$scratch/err"
rm "$p/recipes/hint.yaml"

echo "# failing nodes"
code "a failing node" 1 "$orch" -C "$p" build after --result-json "$result"
check "the tail of its log comes last" sh -c "tail -n 8 '$scratch/err' | grep -q wrong"
lacks "escapes of a guest are made harmless" "$(printf '\033')" "$scratch/err"
same "failed" failed "$(status_of bad)"
same "skipped" skipped "$(status_of after)"
check "result is not ok" jq -e '.ok == false' "$result"
check "the error says why" jq -e '.nodes[] | select(.name == "bad") | .error | length > 0' "$result"
"$orch" -C "$p" log >"$scratch/out" 2>&1
check "log of the last failure" grep -q '^said' "$scratch/out"
lacks "harmless too" "$(printf '\033')" "$scratch/out"
code "log of a node" 0 "$orch" -C "$p" log bad
code "log of a node without one" 2 "$orch" -C "$p" log nothing
code "a failure is not cached" 1 "$orch" -C "$p" build bad
code "-k" 1 "$orch" -C "$p" build -k bad good --result-json "$result"
same "-k builds what it can" built "$(status_of good)"
check "and places it" test -f "$p/out/good/x"
printf 'kind: run\nrun: ["echo early; false"]\noutputs: []\n' >"$p/recipes/early.yaml"
printf 'kind: run\nrun: ["echo late; sleep 1; false"]\noutputs: []\n' >"$p/recipes/late.yaml"
code "two failures" 1 "$orch" -C "$p" build -k early late
"$orch" -C "$p" log >"$scratch/out" 2>&1
check "the log is of the one that failed last" grep -q '^late' "$scratch/out"
rm "$p/recipes/early.yaml" "$p/recipes/late.yaml"
"$orch" -C "$p" why bad >"$scratch/out" 2>&1
check "why of a failed node" grep -q 'will be built' "$scratch/out"

recipe bad <<'END'
kind: run
run: ["true"]
outputs: [never]
END
code "an output that was not made" 1 "$orch" -C "$p" build bad
check "is named" grep -q never "$scratch/err"
recipe bad <<'END'
kind: run
run: [[/no/such/program]]
outputs: []
END
code "a program that is not there" 1 "$orch" -C "$p" build bad
check "is named too" grep -q /no/such/program "$scratch/err"

echo "# the command line"
code "no project" 2 "$orch" -C "$scratch" plan
code "unknown command" 2 "$orch" biuld
check "suggests one" grep -q "did you mean 'orch build'" "$scratch/err"
code "unknown option" 2 "$orch" build --jbos 2
check "suggests one too" grep -q "did you mean '--jobs'" "$scratch/err"
code "unknown letter" 2 "$orch" build -x
code "an option of another command" 2 "$orch" plan --events x
code "a missing value" 2 "$orch" build -j
code "a bad number" 2 "$orch" build -j 0
code "a value nobody wants" 2 "$orch" plan --json=1
code "a bad word" 2 "$orch" build --color sometimes
code "unknown target" 2 "$orch" -C "$p" build goood
check "suggests a node" grep -q "'good'" "$scratch/err"
code "too many arguments" 2 "$orch" why a b
code "no arguments" 0 "$orch"
code "help" 0 "$orch" help build
code "--help" 0 "$orch" plan --help
code "version" 0 "$orch" --version
code "unknown variable" 2 "$orch" -C "$p" plan --set nothing=1
mkdir "$scratch/foreign"
chmod a-w "$scratch/foreign"
code "a store that is not ours" 7 "$orch" -C "$p" --store "$scratch/foreign" plan
check "says what helps" grep -q -e --store "$scratch/err"
code "full output" 8 sh -c "'$orch' help >/dev/full"

echo "# recipes"
recipe bad <<'END'
kind: run
inptus: [src]
run: ["true"]
outputs: []
END
code "a misspelt key" 2 "$orch" -C "$p" plan
check "its place" grep -q '^recipes/bad.yaml:2:1: ' "$scratch/err"
check "a caret" grep -q '\^' "$scratch/err"
check "a suggestion" grep -q "'inputs'" "$scratch/err"
same "nothing on stdout" 0 "$(wc -c <"$scratch/out")"
code "with --json" 2 "$orch" -C "$p" plan --json
check "it is in the object" jq -e '.ok == false and .errors[0].line == 2 and .errors[0].class == "user"' "$scratch/out"
code "build refuses it" 2 "$orch" -C "$p" build --result-json "$result"
check "and says so in the result file" jq -e '.ok == false' "$result"
recipe bad <<'END'
kind: run
inputs: [worse]
run: ["true"]
outputs: [x]
END
recipe worse <<'END'
kind: run
inputs: [bad]
run: ["true"]
outputs: [x]
END
code "a cycle" 2 "$orch" -C "$p" plan
check "is named as a chain" grep -q 'bad -> worse -> bad' "$scratch/err"
rm "$p/recipes/worse.yaml"
recipe bad <<'END'
kind: run
inputs: [src]
run: ["true"]
outputs: []
END
mkdir -p "$p/src/sub"
mkfifo "$p/src/sub/pipe"
code "a pipe in an input" 2 "$orch" -C "$p" plan bad
check "is named by its path" grep -q "'src/sub/pipe'" "$scratch/err"
code "and nothing can be said about the node" 2 "$orch" -C "$p" why bad
rm "$p/src/sub/pipe"
: >"$p/src/sub/closed"
chmod 0 "$p/src/sub/closed"
code "a file that may not be read" 2 "$orch" -C "$p" plan bad
check "is named by its path, too" grep -q "/src/sub/closed'" "$scratch/err"
rm -r "$p/src"

echo "# two at once"
recipe slow <<'END'
kind: run
run: ["sleep 3; date +%N >x"]
outputs: [x]
END
rm "$p/recipes/bad.yaml" "$p/recipes/after.yaml"
"$orch" -C "$p" build slow >"$scratch/one" 2>&1 &
one=$!
"$orch" -C "$p" build slow >"$scratch/two" 2>&1 &
two=$!
first=0
second=0
wait $one || first=$?
wait $two || second=$?
same "both end well" "0 0" "$first $second"
code "and the store is whole" 0 "$orch" store verify

echo "# signals"
recipe slow <<'END'
kind: run
run: ["exec sleep 771"]
outputs: [x]
END
sed -i "s/sleep 771/&.$$/" "$p/recipes/slow.yaml"
for signal in TERM:143 INT:130; do
	# A shell starts background jobs with SIGINT ignored; env brings it back.
	env --default-signal=INT "$orch" -C "$p" build slow >"$scratch/one" 2>&1 &
	one=$!
	sleep 2
	kill -s "${signal%:*}" $one
	status=0
	wait $one || status=$?
	same "SIG${signal%:*}" "${signal#*:}" "$status"
done
# Somebody stops while he writes the database: nobody waits for him who is told to end.
cat >"$scratch/hold.py" <<'END'
import os, sqlite3, sys, time
c = sqlite3.connect(sys.argv[1] + '/state.sqlite', isolation_level=None)
c.execute('BEGIN IMMEDIATE')
open(sys.argv[2], 'w').close()
time.sleep(100)
END
recipe brief <<'END'
kind: run
run: ["date +%N >x; sleep 1"]
outputs: [x]
END
for signal in TERM:143 INT:130; do
	for node in slow brief; do
		rm -f "$scratch/held"
		python3 "$scratch/hold.py" "$ORCH_STORE" "$scratch/held" &
		holder=$!
		timeout 20 sh -c "until [ -e '$scratch/held' ]; do sleep 0.1; done"
		env --default-signal=INT "$orch" -C "$p" build $node >"$scratch/one" 2>&1 &
		one=$!
		sleep 4
		before=$(date +%s)
		kill -s "${signal%:*}" $one
		status=0
		wait $one || status=$?
		same "SIG${signal%:*} beside a held database ($node)" "${signal#*:}" "$status"
		check "is obeyed at once" test $(($(date +%s) - before)) -le 3
		kill -KILL $holder
		wait $holder 2>/dev/null
	done
done
# What runs meanwhile is served: a deadline holds, though the end of another node waits for the database.
recipe late <<END
kind: run
run: ["sleep 772.$$"]
timeout: 6
outputs: [x]
END
recipe brisk <<END
kind: run
run: ["echo $$ >x; sleep 4"]
outputs: [x]
END
# running: the step of 'late'
running() { pgrep -u "$(id -u)" -x -f "sleep 772.$$" || [ $? = 1 ] || echo "pgrep failed"; }
rm -f "$scratch/held"
"$orch" -C "$p" build -k -j 2 late brisk --result-json "$result" >"$scratch/one" 2>&1 &
one=$!
timeout 20 sh -c "until pgrep -u $(id -u) -x -f 'sleep 772.$$' >/dev/null; do sleep 0.1; done"
check "late runs" test -n "$(running)"
python3 "$scratch/hold.py" "$ORCH_STORE" "$scratch/held" &
holder=$!
sleep 12
check "the database is held" test -e "$scratch/held"
same "and the deadline holds" "" "$(running)"
check "while the end of brisk waits" kill -0 $one
kill -KILL $holder
wait $holder 2>/dev/null
status=0
wait $one || status=$?
same "a deadline beside a held database" 10 "$status"
same "what waited is recorded" "built" "$(status_of brisk)"
code "the store is whole after that" 0 "$orch" store verify
code "and the node can be built" 0 "$orch" -C "$p" build brief

env --default-signal=INT "$orch" -C "$p" build slow >"$scratch/one" 2>&1 &
one=$!
# sleepers: the step of 'slow', which nobody else's sleep is
sleepers() { pgrep -u "$(id -u)" -x -f "sleep 771.$$" || [ $? = 1 ] || echo "pgrep failed"; }
timeout 20 sh -c "until pgrep -u $(id -u) -x -f 'sleep 771.$$' >/dev/null; do sleep 0.1; done"
check "its step runs" test -n "$(sleepers)"
kill -KILL $one
wait $one 2>/dev/null
sleep 1
same "no orphan after SIGKILL" "" "$(sleepers)"
code "the store is whole after it" 0 "$orch" store verify
code "and works" 0 "$orch" -C "$p" build good
finish
