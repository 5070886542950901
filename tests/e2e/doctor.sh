#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch doctor tries what it speaks of: namespaces, and the tracing of what runs in them.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
cc -O1 -D_GNU_SOURCE -o "$scratch/without" tests/without.c || exit 1
doctor() { "$@" "$orch" doctor >"$scratch/out" 2>"$scratch/err"; }
finds() { check "$1" grep -qE -- "$2" "$scratch/out"; }
# mends NAME WHAT: a remedy stands after the line about WHAT.
mends() { check "$1" sh -c 'grep -A1 -E "^(slow|missing) *$1" "$2" | grep -q "^ *-> ."' sh "$2" "$scratch/out"; }

doctor env
finds "namespaces" '^ok *user namespaces'
finds "tracing" '^ok *tracing'
finds "a program that tells no version" '^ok *fsck.fat *is installed$'
same "all texts begin in one column" 1 "$(sed -n -E 's/^((ok|slow|missing) +(fsck.fat|user namespaces|qemu-system-aarch64) +).*/\1/p' "$scratch/out" |
	awk '{ print length }' | sort -u | wc -l)"
doctor "$scratch/without" ptrace
finds "no tracing: namespaces all the same" '^ok *user namespaces'
finds "no tracing: what lacks it" "^slow *tracing *this machine lets no process be traced.*'debian' and 'tree' take QEMU guests"
mends "no tracing: a remedy" tracing
doctor "$scratch/without" userns
finds "no namespaces: what is taken" "^slow *user namespaces.*'debian', 'tree' and 'run' take QEMU guests"
mends "no namespaces: a remedy" 'user namespaces'
lacks "no namespaces: no emulator in them" 'arm64 programs.*(registered|sandbox)' "$scratch/out"
lacks "no namespaces: nothing of tracing" '^[a-z]* *tracing' "$scratch/out"
doctor env ORCH_SANDBOX=guest
finds "as asked: guests" '^slow *user namespaces *not used'
empty "nothing is left behind" "$ORCH_STORE/tmp"
check "nothing is left beside answers" sh -c '[ -d "$1" ] && ! ls "$1" | grep probe' sh "$ORCH_STORE/machine"
finish
