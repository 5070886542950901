# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: calls itself '9'
printf 'kind: release\nbundle: bundle\ncard: install\n' >recipes/release.yaml
replace recipes/bundle.yaml 's/^version:.*/version: "9"/'
