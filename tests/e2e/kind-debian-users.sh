#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Maintainer scripts that need several users, access lists, attributes, capabilities and devices: what
# they make reaches the tree, on this machine's architecture and in an emulator. (kind-guest.sh: and in a
# guest.)
. tests/e2e/lib.sh
. tests/e2e/users.sh
p=$scratch/p
mkdir -p "$p/recipes"
check "an archive" users_archive "$p"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
archives:
  debian: {suites: [trixie], components: [main]}
  own: {suites: [own], components: [main], keyring: keys/own.gpg}
END
printf 'kind: debian\npackages: [own-users]\n' >"$p/recipes/here.yaml"
printf 'kind: debian\narch: arm64\npackages: [own-users]\n' >"$p/recipes/arm.yaml"
[ "$(dpkg --print-architecture)" != arm64 ] || sed -i 's/arm64/amd64/' "$p/recipes/arm.yaml"
check "lock" "$orch" -C "$p" lock
check "build" "$orch" -C "$p" build here
users_list "$p/out/here/root.tar" >"$scratch/here"
users_expected >"$scratch/expected"
diff -u "$scratch/expected" "$scratch/here"
check "what root would have made" cmp "$scratch/expected" "$scratch/here"
echo "# a layer on top"
printf 'kind: debian\nfrom: here\npackages: [own-later]\n' >"$p/recipes/later.yaml"
check "lock" "$orch" -C "$p" lock later
check "build" "$orch" -C "$p" build later
users_list "$p/out/later/root.tar" >"$scratch/later"
sed -E 's/^-[-rwx]{9}(\*.* (capable|list\/changed|attribute))$/-rwx--x--x\1/' "$scratch/expected" >"$scratch/changed"
diff -u "$scratch/changed" "$scratch/later"
check "capabilities, lists and attributes stay when a mode changes" cmp "$scratch/changed" "$scratch/later"
echo "# another architecture"
check "build for another architecture" "$orch" -C "$p" build arm
users_list "$p/out/arm/root.tar" >"$scratch/arm"
diff -u "$scratch/expected" "$scratch/arm"
check "the same in an emulator" cmp "$scratch/expected" "$scratch/arm"
finish
