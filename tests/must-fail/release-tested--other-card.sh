# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no scenario has started what would be released
printf 'kind: tree\narch: arm64\ncontents: [{copy: rootfs/etc/fstab, to: /}]\n' >recipes/other-tree.yaml
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: [{unpack: "other-tree:root.tar"}]\n' >recipes/other-image.yaml
printf 'kind: disk\ntable: gpt\npartitions: [{name: r, type: root-arm64, from: other-image}]\n' >recipes/other.yaml
printf 'kind: test\nboard: boards/raspi3b\ncard: other\nsteps: [{power: on}]\n' >recipes/tests/other.yaml
printf 'kind: release\nbundle: bundle\ncard: install\ntested-by: ["tests/other:verdict.json"]\n' >recipes/release.yaml
replace recipes/bundle.yaml '/^tested-by:/d'
sed -i '/tested-by/d' recipes/tests/bundle-v2.yaml recipes/tests/bundle-v3.yaml
