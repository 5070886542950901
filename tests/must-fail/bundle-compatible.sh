# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: would refuse a bundle
replace rootfs/etc/rauc/system.conf 's/^compatible=.*/compatible=other-board/'
