# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: would lie before U-Boot's environment
replace recipes/install.yaml '/^reserved:/d; /uboot-env/d'
