# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: promises bootloader=uboot, and here is no such line
replace rootfs/etc/rauc/system.conf '/^bootloader=/d'
