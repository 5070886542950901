#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The way from a previous release: what was shipped once is booted, today's bundle is installed on it,
# and a further release asks for its own proof only.
# packages
. tests/e2e/lib.sh
p=$scratch/p
reference_project "$p"
result=$scratch/result.json

# release VERSION: what out/ holds now is shipped.
release() {
	mkdir -p "$p/releases/$1" "$p/recipes/releases"
	cp --sparse=always "$p/out/install/install.img" "$p/out/bundle/bundle.raucb" "$p/releases/$1/"
	(cd "$p/releases/$1" && sha256sum install.img bundle.raucb) >"$scratch/sums"
	{
		echo "kind: shipped"
		echo "at: releases/$1"
		awk '{ sub(/\..*/, "", $2); print $2 ": " $1 }' "$scratch/sums"
	} >"$p/recipes/releases/$1.yaml"
}

code "the previous release" 0 "$ORCH" -C "$p" build install bundle
[ "$failures" = 0 ] || finish
release 1.1.0
sed -i 's/^version:.*/version: "1.2.0"/' "$p/recipes/project.yaml"
echo "edge-device-1-2" >"$p/rootfs/etc/hostname"
cat >"$p/recipes/tests/upgrade.yaml" <<'END'
kind: test
board: boards/virt
from: ["1.1.0"]
card: "releases/${from}:install.img"
never: ["U-Boot>", "=> ", "login:"]
steps:
  - power: on
  - {slot: A, tries: {A: "2", B: "3"}}
  - wait: "marked slot rootfs.0 as good"
  - {run: cat /etc/hostname, output: "^edge-device$"}
  - {install: bundle, within: 1800}
  - {reboot: true, slot: B, tries: {A: "3", B: "2"}}
  - wait: "marked slot rootfs.1 as good"
  - {run: cat /etc/hostname, output: "^edge-device-1-2$"}
  - power: off
  - {environment: {BOOT_ORDER: B A, BOOT_A_LEFT: "3", BOOT_B_LEFT: "3"}}
  - same: {partition: root-b, as: root}
END
code "1.1.0 takes today's bundle" 0 "$ORCH" -C "$p" build tests/upgrade --result-json "$result"
same "and was booted for it" built \
	"$(jq -r '.nodes[] | select(.name == "tests/upgrade@1.1.0").status' "$result")"
code "today's release" 0 "$ORCH" -C "$p" build install bundle
release 1.2.0
sed -i 's/^from: .*/from: ["1.1.0", "1.2.0"]/' "$p/recipes/tests/upgrade.yaml"
"$ORCH" -C "$p" plan tests/upgrade >"$scratch/plan"
check "what was proven is not proven again" grep -qE '^cached +tests/upgrade@1.1.0 ' "$scratch/plan"
check "the new pair is" grep -qE '^(build|perhaps) +tests/upgrade@1.2.0 ' "$scratch/plan"
finish
