#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The native template as a user gets it: made, locked against today's archive, built, updated on a board with
# the fallback, and an update that the power cut short. What does not depend on the board is kept in the store.
. tests/e2e/lib.sh
cd "$scratch" || exit 1
code made 0 "$orch" init --template ab-efi --name native --compatible native-board p
cd p || exit 1
code keys 0 "$orch" pki init
code locked 0 "$orch" lock
"$orch" check >"$scratch/out" 2>&1
same nothing-wrong '' "$(grep -E '\[[a-z-]+\]$' "$scratch/out" | grep -v -E '^(note|warning)')"
code built 0 "$orch" build --result-json "$result"
printf 'seconds to bundle and disk: %s\n' "$(jq .wall_s "$result")"
check bundle-is-signed rauc --keyring=pki/keyring.pem info out/bundle/bundle.raucb
check table-is-sound sfdisk --verify out/install/install.img
code updates-and-falls-back 0 "$orch" build tests/update tests/cut-install
for line in 'native-app 1.0.0: slot A: up' 'native-app 2.0.0: slot B: up' 'native-app 3.0.0: slot A: broken'; do
	check "$line" grep -q -F "$line" out/tests/update/console.log
done
finish
