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

echo "# in what a node made"
cat >recipes/programs.yaml <<'END'
kind: run
root: host
run:
  - |
    mkdir -p t/bin t/etc
    cp /bin/dash t/bin/sh
    cp /bin/ls /bin/rm t/bin/
    ldd /bin/dash /bin/ls | grep -o '/[^ ]*' | grep -v : | sort -u | while read -r f; do mkdir -p "t$(dirname "$f")"; cp -L "$f" "t$f"; done
    echo built >t/etc/state
    echo secret >t/etc/shadow
    chmod 640 t/etc/shadow
    tar -C t --owner=0 --group=0 --mtime=@1 --sort=name -cf root.tar .
outputs: [root.tar]
END
printf 'kind: image\nfilesystem: ext4\nsize: 32M\ncontents: [{unpack: programs}]\nmodes: {/etc/shadow: "0640 0:42"}\n' >recipes/system.yaml
cat >recipes/card.yaml <<'END'
kind: disk
partitions:
  - {name: root-a, type: linux-generic, from: system}
END
echo 'read -r line </etc/state; echo "$line"; ls -n /etc/shadow; rm /etc/state; exit 6' >"$scratch/commands"
code shell-in-an-image 6 sh -c "$orch shell system <$scratch/commands"
check with-its-files grep -qx built "$scratch/out"
check and-owners grep -q '^-rw-r----- 1 0 42 ' "$scratch/out"
check tells-where grep -q "'system', as it was built" "$scratch/err"
code and-again-as-it-was 6 sh -c "$orch shell system <$scratch/commands"
code in-a-partition 6 sh -c "$orch shell card:/root-a <$scratch/commands"
check with-its-files-too grep -qx built "$scratch/out"
code a-disk-alone 2 "$orch" shell card
check is-told-what-to-name grep -q "name a partition" "$scratch/err"
code no-shell 2 "$orch" shell image
check no-shell-says grep -q "has no /bin/sh" "$scratch/err"
code steps-have-no-path 2 "$orch" shell steps:/etc
code no-such-node 2 "$orch" shell stepz
check sweeps "$orch" build tests/good
empty nothing-left "$ORCH_STORE/tmp"
finish
