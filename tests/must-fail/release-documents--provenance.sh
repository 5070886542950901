# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: take 'provenance: false' out of node 'install'
printf 'kind: release\nbundle: bundle\ncard: install\n' >recipes/release.yaml
echo 'provenance: false' >>recipes/install.yaml
