# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# For scripts whose scenarios are their own text, in the project $p:  . tests/e2e/scenario-lib.sh
# They set $scenario_timeout, in seconds.

# scenario NAME BOARD [KEY LINE]... <steps: a recipe with the card that the node 'card' makes
scenario() {
	scenario_name=$1
	{
		printf 'kind: test\nboard: %s\ncard: card\ncard-size: 64M\ntimeout: %s\n' "$2" "$scenario_timeout"
		shift 2
		for line; do echo "$line"; done
		echo 'steps:'
		cat
	} >"$p/recipes/$scenario_name.yaml"
}

fails() { # NAME CODE TEXT: the node fails with that exit code and says TEXT
	code "$1: exit code" "$2" "$ORCH" -C "$p" build "$1"
	check "$1: says '$3'" grep -qF -- "$3" "$scratch/err"
}
