#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch shell: the same sandbox as the steps, before them or where one failed.
. tests/e2e/lib.sh
tests=$PWD/tests/e2e
mkdir -p "$scratch/p/recipes/tests" "$scratch/p/src/sub"
cd "$scratch/p" || exit 1
export ORCH_STORE="$scratch/store"
copy_orch "$ORCH_ASAN" "$scratch"
orch=$scratch/orch
printf 'schema: 1\nname: shell\nversion: "1"\n' >recipes/project.yaml
echo one >src/sub/one
cat >recipes/first.yaml <<'END'
kind: run
run: ["echo first >first.txt; head -c 70000000 /dev/zero >large"]
outputs: [first.txt, large]
END
look='env | grep -v -e ^PWD= -e ^SHLVL= -e ^_= -e ^OLDPWD= | sort; pwd; id -u; umask; ls -l /run/orch | wc -l; ls / | tr "\n" " "; find . | sort; ls /dev | wc -l; cat /proc/net/dev | wc -l'
cat >recipes/steps.yaml <<END
kind: run
inputs: [src, first]
run:
  - '{ $look; } >seen'
  - [sh, -c, "echo second >>notes"]
  - "echo third >>notes; [ -e repaired ]; mv notes result"
outputs: [result]
END
printf 'kind: run\nrun: ["echo good >good"]\noutputs: [good]\n' >recipes/tests/good.yaml
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: []\n' >recipes/image.yaml

echo "# before the steps"
echo "$look" | "$orch" shell steps >"$scratch/shell" 2>"$scratch/err"
same shell-ends-with-the-shell 0 $?
check says-where-we-are grep -q "'steps', before its 3 steps" "$scratch/err"
code steps-fail 1 "$orch" build steps
check steps-looked-around test -s "$ORCH_STORE"/failed/steps.*/work/work/seen
# The steps' directory has what steps made; else all is the same.
same same-sandbox "$(grep -v -e '^./seen' "$ORCH_STORE"/failed/steps.*/work/work/seen)" \
	"$(cat "$scratch/shell")"
check inputs-are-built grep -q '^./first/large$' "$scratch/shell"
code exit-code-of-the-shell 7 sh -c "echo 'exit 7' | $orch shell tests/good"
code read-only-inputs 9 sh -c "echo 'echo x >src/sub/one || exit 9' | $orch shell steps"

echo "# where a step failed"
echo 'cat notes; cat first/first.txt; ls -s first/large | cut -d" " -f1; cat /run/orch/step-3; touch repaired; sh -e /run/orch/step-3; echo $?' |
	"$orch" shell steps >"$scratch/out" 2>"$scratch/err"
check says-the-step grep -q "'steps', where step 3 of 3 failed: sh -e /run/orch/step-3" "$scratch/err"
same is-the-directory-that-failed 'second
third
first' "$(head -n 3 "$scratch/out")"
same step-runs-by-hand 0 "$(tail -n 1 "$scratch/out")"
check changes-are-kept test -e "$ORCH_STORE"/failed/steps.*/work/work/repaired
echo "# where no step began"
chmod -R u+w "$ORCH_STORE"/failed/steps.*/work
rm -rf "$ORCH_STORE"/failed/steps.*/work/*
echo 'ls; exit 5' | "$orch" shell steps >"$scratch/out" 2>"$scratch/err"
same exit-code-all-the-same 5 $?
check says-where-we-are-then grep -q "'steps', before its 3 steps" "$scratch/err"
same a-new-directory-then 'first src' "$(tr '\n' ' ' <"$scratch/out" | sed 's/ $//')"
echo two >src/sub/two
echo 'ls' | "$orch" shell steps >"$scratch/out" 2>"$scratch/err"
check other-inputs-other-directory grep -q 'it failed with other inputs' "$scratch/err"
same new-directory 'first src' "$(tr '\n' ' ' <"$scratch/out" | sed 's/ $//')"

echo "# on a terminal"
python3 "$tests/terminal.py" '$ =stty -echo; sleep 30\r' 'sleep=\x03' '$=echo at $((40+2))\r' 'at 42=exit 3\r' \
	-- "$orch" shell steps >"$scratch/out" 2>&1
same keys-and-job-control 'exit 3
restored' "$(tail -n 2 "$scratch/out")"
python3 "$tests/terminal.py" '$ =stty raw -echo; echo r"a"w\r' 'raw=!KILL' -- "$orch" shell steps >"$scratch/out" 2>&1
same killed 'exit -9
restored' "$(tail -n 2 "$scratch/out")"

python3 "$tests/terminal.py" --answers '$ =printf "\\033[c\\033[5n\\033[?1000h"; exit 3\r' -- "$orch" shell steps >"$scratch/out" 2>&1
same asks-the-terminal "typed b''
exit 3
restored" "$(tail -n 4 "$scratch/out" | grep -v '^$')"

echo "# what has no shell"
code no-shell 2 "$orch" shell image
check no-shell-says grep -q "of kind 'image' has no sandbox" "$scratch/err"
code no-such-node 2 "$orch" shell stepz
check sweeps "$orch" build tests/good
empty nothing-left "$ORCH_STORE/tmp"
finish
