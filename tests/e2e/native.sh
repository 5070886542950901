#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The native template: built, started on a larger disk, and updated; slots that cannot be started.
. tests/e2e/native-lib.sh
"$orch" check >"$scratch/out" 2>&1
same nothing-wrong '' "$(grep -E '\[[a-z-]+\]$' "$scratch/out" | grep -v -E '^(note|warning)')"
code built 0 "$orch" build --result-json "$result"
printf 'seconds to bundle and disk: %s\n' "$(jq .wall_s "$result")"
check bundle-is-signed rauc --keyring=pki/keyring.pem info out/bundle/bundle.raucb
check table-is-sound sfdisk --verify out/install/install.img
code starts-and-updates 0 "$orch" build tests/update tests/no-start
told update 'native-app 1.0.0: slot A: up' 'native-app 2.0.0: slot B: up'
told no-start 'vmlinuz: HASH MISMATCH'
finish
