#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The device on emulated boards:  tests/scenarios.sh NODE, a group of nodes of kind 'test'
# What passed once with the same images, bundles, firmware, QEMU and steps is not run again.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
[ -n "${TEST_TREE:-}" ] || { echo "skip $1: './dev test' prepares what it needs"; exit 0; }
result=${TEST_TREE%/tree}/tmp/$1.json
if tests/as-tester.sh 36000 _build/engine/cli/orch build --keep-going --result-json "$result" "$1"; then
	echo "ok $1"
else
	echo "not ok $1"
fi
jq -r '.nodes[] | select(.kind == "test") |
	(if .status == "built" or .status == "cached" then "ok " else "not ok " end) +
	(.name | ltrimstr("tests/")) + (if .error then ": " + .error else "" end)' "$result"
