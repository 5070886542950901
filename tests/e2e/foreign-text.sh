#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a node prints cannot speak to a CI, a terminal or a reader of a log.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
export ORCH_STORE="$scratch/store"
unset GITHUB_ACTIONS
p=$scratch/p
mkdir -p "$p/recipes"
printf 'schema: 1\nname: foreign\nversion: "1"\n' >"$p/recipes/project.yaml"
cat >"$p/recipes/bad.yaml" <<'END'
kind: run
run:
  - |
    printf '::set-env name=PATH::/evil\n  ::error::x\n\343\200\200::debug::x\n'
    printf 'a ##[error]x\na ##vso[task.setvariable variable=x]y\n'
    printf 'turned \342\200\256around\342\201\246 \342\200\217 \330\234 \302\233 \302\205\342\200\250::warning::x\n'
    echo last ::words
    exit 3
outputs: []
END
# commands FILE...: lines that a runner of GitHub or Azure would obey; 'stop-commands' is ours.
commands() { sed 's/^[[:space:]　]*//' "$@" | grep -E '^::[a-z]|##[a-z]*\[' | grep -v '^::stop-commands::[0-9a-f]\{32\}$'; }
# hidden FILE...: lines with bytes that steer what is shown.
hidden() { LC_ALL=C grep -n -P '\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\x1b' "$@"; }

for progress in plain json; do
	code "it fails ($progress)" 1 "$orch" -C "$p" build bad --progress $progress --result-json "$result"
	cat "$scratch/err" "$scratch/out" "$result" >"$scratch/all"
	same "no command among it ($progress)" "" "$(commands "$scratch/all")"
	same "nothing hidden ($progress)" "" "$(hidden "$scratch/all")"
	same "no stop-commands elsewhere ($progress)" 0 "$(grep -c stop-commands "$scratch/all")"
done
for json in "" --json; do
	code "the log is read ($json)" 0 "$orch" -C "$p" log bad $json
	same "no command in it ($json)" "" "$(commands "$scratch/out")"
	same "nothing hidden in it ($json)" "" "$(hidden "$scratch/out")"
	check "and the words are there ($json)" grep -q 'last ::words' "$scratch/out"
	check "marks are shown ($json)" grep -q 'turned .*xe2.*x80.*xaearound\|turned .u202Earound' "$scratch/out"
done

echo "# names that look like lines of orch's own"
mkdir "$p/over"
printf -- '-----BEGIN PRIVATE KEY-----\nMIIEvQ==\n-----END PRIVATE KEY-----\n' >"$p/over/a
ok: built 9, cached 0, failed 0, skipped 0 in 0.1 s
::error::owned"
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: [{copy: over, to: /}]\n' >"$p/recipes/image.yaml"
code "a key is in a file of such a name" 2 "$orch" -C "$p" build image --result-json "$result"
check "which is told" grep -q -F "/a\\nok: built 9" "$scratch/err"
same "on no line of its own" "" "$(grep -e '^ok:' -e '^::error' "$scratch/err")"
"$orch" -C "$p" log image >"$scratch/out" 2>&1
same "nor by log" "" "$(grep -e '^ok:' -e '^::error' "$scratch/out")"

echo "# GitHub Actions"
# between FILE: the text lies between the command that stops commands and the one that ends that.
between() {
	word=$(sed -n 's/^::stop-commands::\([0-9a-f]\{32\}\)$/\1/p' "$1")
	[ -n "$word" ] || { cat "$1"; return 1; }
	sed "0,/^::stop-commands::$word\$/d; /^::$word::\$/,\$d" "$1" >"$scratch/inner"
	grep -q 'last ::words' "$scratch/inner" && grep -q -x "::$word::" "$1" &&
		[ "$(grep -c 'set-env' "$1")" = "$(grep -c 'set-env' "$scratch/inner")" ]
}
export GITHUB_ACTIONS=true
"$orch" -C "$p" build bad --progress plain 2>&1 >/dev/null | cat >"$scratch/tail"
check "the tail of a log lies between" between "$scratch/tail"
"$orch" -C "$p" log bad 2>/dev/null | cat >"$scratch/log"
check "so does a log" between "$scratch/log"
cp "$scratch/log" "$scratch/log1"
"$orch" -C "$p" log bad 2>/dev/null | cat >"$scratch/log"
check "with another word each time" sh -c "cmp -s '$scratch/log' '$scratch/log1'; [ \$? = 1 ]"
"$orch" -C "$p" log bad >"$scratch/log" 2>/dev/null
same "a file has the log alone" 0 "$(grep -c stop-commands "$scratch/log")"
"$orch" -C "$p" log bad --json 2>/dev/null | cat >"$scratch/log"
check "JSON is JSON" jq -e .ok "$scratch/log"
finish
