# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: promises bootloader=uboot, and here is grub
replace rootfs/etc/rauc/system.conf 's/^bootloader=.*/bootloader=grub/'
