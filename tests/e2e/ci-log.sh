#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a CI's log gets: the log of each node as a block that GitHub and GitLab fold, and the log of what
# failed at the end.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
unset GITHUB_ACTIONS GITLAB_CI CI
p=$scratch/p
mkdir -p "$p/recipes/sub"
printf 'schema: 1\nname: ci\nversion: "1"\n' >"$p/recipes/project.yaml"
cat >"$p/recipes/sub/good.yaml" <<'END'
kind: run
inputs: [input]
run: ["printf '::set-env name=a::b\\n\\033[31mred\\033[0m\\ttab\\n'; seq 1 2000 | sed 's/^/number /'; cp input x"]
outputs: [x]
END
cat >"$p/recipes/bad.yaml" <<'END'
kind: run
inputs: [sub/good]
run: ["seq 1 300 | sed 's/^/bad /'; kill -9 $$"]
outputs: [x]
END
# run NAME ENVIRONMENT...: builds all anew; what stderr had is $scratch/log.
run() {
	run_name=$1
	shift
	echo "$run_name" >"$p/input"
	code "$run_name: it fails" 1 env "$@" "$orch" -C "$p" build bad
	cp "$scratch/err" "$scratch/log"
}
# rising PATTERN...: the numbers of the first lines that match, one after the other, in rising order.
rising() {
	last=0
	for pattern; do
		at=$(grep -n -a -m 1 -e "$pattern" "$scratch/log" | cut -d: -f1)
		if [ "${at:-0}" -le "$last" ]; then
			echo "'$pattern' in line ${at:-none}, after $last"
			return 1
		fi
		last=$at
	done
}

run plain CI=
lacks "without a CI, no log of what was built" 'number 2000' "$scratch/log"
same "and 40 lines of what failed" 40 "$(grep -c '^  bad ' "$scratch/log")"

run ci CI=true
check "a block: head, lines with the name, what became of it" rising '^log of sub/good, [0-9.]* s$' \
	'^sub/good | \[what comes before: orch log sub/good\]$' '^sub/good | number 2000$' 'built   sub/good' \
	'failed  bad' '^--- bad failed ---$' '^  bad 300$' '^recipes/bad.yaml:3: step 1 of 1 failed: was killed by SIGKILL (out of memory?) \[step-failed\]$' \
	'^whole log: orch log bad$' '^to look around where it failed: orch shell bad$'
check "no more than a thousand lines" test "$(grep -c '^sub/good | number' "$scratch/log")" -le 1000
same "all of what failed" 300 "$(grep -c '^  bad ' "$scratch/log")"
lacks "no escapes" "$(printf '\033')" "$scratch/log"

run github GITHUB_ACTIONS=true
check "GitHub: a group" rising '^::group::log of sub/good' '^sub/good | number 2000$' '^::endgroup::$' 'built   sub/good'

run gitlab GITLAB_CI=true
escape=$(printf '\033')
check "GitLab: a section" rising \
	"^$escape\[0Ksection_start:[0-9]*:sub.good\[collapsed=true\]$(printf '\r')$escape\[0Klog of sub/good" \
	'^sub/good | number 2000$' "^$escape\[0Ksection_end:[0-9]*:sub.good$(printf '\r')$escape\[0K" 'built   sub/good'

sed -i "s/seq 1 2000[^;]*;//" "$p/recipes/sub/good.yaml"
for ci in GITHUB_ACTIONS GITLAB_CI; do
	echo $ci >"$p/input"
	code "$ci: built" 0 env $ci=true "$orch" -C "$p" build sub/good
	check "$ci: colours are gone, tabs are columns" grep -q -x 'sub/good | red     tab' "$scratch/err"
	check "$ci: no command of a step" sh -c "grep -q -F 'sub/good | \\x3a:set-env' '$scratch/err'"
done
finish
