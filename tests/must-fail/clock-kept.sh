# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: say 'clock-epoch: true'
replace recipes/root.yaml '/^clock-epoch/d'
