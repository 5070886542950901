# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: has no partition
replace rootfs/etc/rauc/system.conf 's/root-b$/root-c/'
