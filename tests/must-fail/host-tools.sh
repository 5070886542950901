# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: with the programs of this host
replace recipes/u-boot.yaml '/^root:/d'
