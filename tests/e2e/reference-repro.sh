#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The reference project again in other surroundings: what ships is the same, bit by bit. Only who signs the
# bundle writes the time.
. tests/e2e/lib.sh
reference_project "$scratch/p"
code "slots and card again" 0 "$orch" -C "$scratch/p" repro boot root install
check "are bit-identical" grep -qE '^[0-9]+ outputs bit-identical$' "$scratch/out"
finish
