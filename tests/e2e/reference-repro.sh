#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The reference project again in other surroundings, and its images by libguestfs: what ships is the same,
# bit by bit. Only who signs the bundle writes the time.
. tests/e2e/lib.sh
p=$scratch/p
reference_project "$p"
code "slots and card again" 0 "$orch" -C "$p" repro boot root install
check "are bit-identical" grep -qE '^[0-9]+ outputs bit-identical$' "$scratch/out"

code "the root slot" 0 "$orch" -C "$p" build root --result-json "$result"
first=$(digests "$result")
sed -i 's/^kind: image$/&\nwriter: guestfs/' "$p/recipes/build.yaml" "$p/recipes/build-data.yaml"
same "another writer is asked for" 2 "$(cat "$p/recipes/build.yaml" "$p/recipes/build-data.yaml" | grep -c '^writer: guestfs$')"
code "libguestfs writes the images of the build" 0 "$orch" -C "$p" build root --result-json "$result"
same "what was made in them is the same" "$(echo "$first" | grep '^root ')" "$(digests "$result" | grep '^root ')"
finish
