# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: would be in '/etc/rauc/system.conf' of 'tests/root-v2'
replace recipes/tests/root-v2.yaml 's#^  contents: .*#  contents: [{copy: rootfs/etc/rauc/system.conf, to: /etc/rauc/}, {copy: tests/overlays/v2, to: /}]#'
