# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: needs 'region: 2x'
replace recipes/install.yaml 's/, region: 2x//'
