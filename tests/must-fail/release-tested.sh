# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no scenario has started what would be released
printf 'kind: release\nbundle: bundle\ncard: install\n' >recipes/release.yaml
replace recipes/bundle.yaml '/^tested-by:/d'
sed -i '/tested-by/d' recipes/tests/bundle-v2.yaml recipes/tests/bundle-v3.yaml
