#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch init: what it makes builds, twice, and nothing is to be complained about.
. tests/e2e/lib.sh
cd "$scratch" || exit 1
export ORCH_STORE="$scratch/store"
copy_orch "$ORCH_ASAN" "$scratch"
orch=$scratch/orch

code makes-a-project 0 "$orch" init 'new one'
PATH=$scratch:$PATH
code builds-as-it-says 0 sh -c "$(sed -n 's/^next: //p' "$scratch/out")"
check has-a-card test -s 'new one/out/card/card.img'
check card-is-good sfdisk --verify 'new one/out/card/card.img'
"$orch" -C 'new one' check >"$scratch/out" 2>&1
same nothing-to-complain '2 nodes: no error, 0 warnings' "$(cat "$scratch/out")"
code nothing-to-do 0 "$orch" -C 'new one' plan --exit-code
same name-of-the-directory 'name: new-one' "$(grep ^name: 'new one/recipes/project.yaml')"
code again-refused 2 "$orch" init 'new one'
check says-why grep -q 'is not empty' "$scratch/err"
mkdir empty
code into-an-empty-directory 0 "$orch" -C empty init .
code which-builds 0 "$orch" -C empty build
cd 'new one' || exit 1
before=$(cat recipes/*.yaml)
code no-name 2 "$orch" init ''
same leaves-the-project-alone "$before" "$(cat recipes/*.yaml)"
code no-store-name 2 "$orch" --store '' store gc
cd .. || exit 1
code over-a-file 2 "$orch" init orch
finish
