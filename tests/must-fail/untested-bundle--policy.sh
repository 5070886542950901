# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: nothing has started what is in it
printf 'kind: policy\nof: [system]\nsetuid: []\n' >recipes/rights.yaml
replace recipes/bundle.yaml 's/^tested-by:.*/tested-by: [rights]/'
sed -i 's/tested-by:.*/tested-by: [rights]/' recipes/tests/bundle-v2.yaml recipes/tests/bundle-v3.yaml
