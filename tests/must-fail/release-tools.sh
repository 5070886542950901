# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: node 'bundle' is made by programs of the machine that builds
printf 'kind: release\nbundle: bundle\ncard: install\n' >recipes/release.yaml
sed -i '/^tools: /d' recipes/bundle.yaml
sed -i 's/^root: tools/root: host/' recipes/tests/bundle-revoking.yaml
rm recipes/tools.yaml recipes/tools.lock
