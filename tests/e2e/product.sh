#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The template of the reference project as a user of an installed orch gets it, with nothing of this tree:
# made under other names, locked against today's archive, built to its bundle, which is made only if slot and
# U-Boot start on a board. What is the same as in the reference project is kept in the store.
. tests/e2e/lib.sh
[ -d _installed ] || { echo "no directory '_installed': tests/run.sh makes it"; exit 1; }
cp -R _installed/usr/local "$scratch/there"
orch=$scratch/there/bin/orch
cd "$scratch" || exit 1
code made 0 "$orch" init --template ab-uboot --name acme --compatible acme-board p
cd p || exit 1
code keys 0 "$orch" pki init
code locked 0 "$orch" lock
"$orch" check >"$scratch/out" 2>&1
same nothing-wrong '' "$(grep -E '\[[a-z-]+\]$' "$scratch/out" | grep -v -E '^(note|warning)')"
code built 0 "$orch" build --result-json "$result"
same slots-were-booted 1 "$(jq '[.nodes[] | select(.name == "tests/boot" and (.status == "built" or .status == "cached"))] | length' "$result")"
rauc --keyring=pki/keyring.pem info out/bundle/bundle.raucb >"$scratch/info" 2>&1
check bundle-is-signed-for-the-device grep -q "^Compatible:.*'acme-board'" "$scratch/info"
check table-is-sound sfdisk --verify out/install/install.img
same its-name acme "$("$orch" image cat root:/etc/hostname)"
check its-application "$orch" image ls root:/usr/bin/acme-app
"$orch" image ls 'root:/**' >"$scratch/files"
check its-files-have-its-name grep -q '/etc/ssh/sshd_config.d/acme.conf$' "$scratch/files"
same and-none-the-reference-s '' "$(grep -E 'edge-(app|device)' "$scratch/files")"
code nothing-to-do 0 "$orch" plan --exit-code
finish
