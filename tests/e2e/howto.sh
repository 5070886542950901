#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The how-tos of docs/howto that need packages of an archive; tests/data.sh tries the others.
. tests/e2e/lib.sh
. tests/pages.sh
cd tests || exit 1
mkdir "$scratch/bin"
ln -s "$ORCH" "$scratch/bin/orch"
PATH=$scratch/bin:$PATH
for page in ../docs/howto/*.md; do
	needs_packages "$page" || continue
	try_page "howto/$(basename "$page" .md)" "$page" "$scratch" >"$scratch/told"
	cat "$scratch/told"
	if grep -q '^not ok' "$scratch/told"; then failures=$((failures + 1)); fi
done
finish
