# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: take 'sbom: []' out of node 'bundle'
printf 'kind: release\nbundle: bundle\ncard: install\n' >recipes/release.yaml
echo 'sbom: []' >>recipes/bundle.yaml
