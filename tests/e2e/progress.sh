#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A run as it is seen: on terminals of all sizes, while they change, when it is stopped or killed; the
# log of a node that runs.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
unset GITHUB_ACTIONS GITLAB_CI CI
p=$scratch/p
mkdir -p "$p/recipes"
printf 'schema: 1\nname: progress\nversion: "1"\n' >"$p/recipes/project.yaml"
for n in a b c d e f; do
	cat >"$p/recipes/$n.yaml" <<END
kind: run
inputs: [input]
run:
  - |
    i=0
    while [ \$i -lt 50 ]; do
      printf '\033[35mline %s of $n\033[0m\tpurple, and 漢字漢字 more than has room on a line of ordinary terminals\n' \$i
      sleep 0.1
      i=\$((i + 1))
    done
    cat input >x
outputs: [x]
END
done
cat >"$p/recipes/bad.yaml" <<'END'
kind: run
inputs: [input]
run:
  - no-such-program
outputs: [x]
END
cat >"$p/recipes/after.yaml" <<'END'
kind: run
inputs: [a]
run: [echo what after says; sleep 1; exit 3]
outputs: [x]
END
if ! python3 -c 'import pyte'; then
	not_ok "python3-pyte is there: ./dev deps"
	finish
fi
python3 tests/e2e/progress.py "$orch" "$p" || failures=1
finish
