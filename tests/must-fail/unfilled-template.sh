# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: would be in '/etc/rauc/system.conf' of 'tests/root-v2'
replace recipes/tests/root-v2.yaml '/system.conf/d'
