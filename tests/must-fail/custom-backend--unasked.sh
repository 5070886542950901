# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: RAUC asks this program only with 'bootloader=custom', and here it is 'uboot' (rootfs/etc/rauc/system.conf:4)
echo 'bootloader-custom-backend=/usr/lib/edge-device/pre-install' >>rootfs/etc/rauc/system.conf
