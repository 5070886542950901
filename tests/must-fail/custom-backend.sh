# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-tryboot
# says: rootfs/etc/rauc/system.conf:3:1: RAUC has nobody to ask which slot is next: say 'bootloader-custom-backend=
replace rootfs/etc/rauc/system.conf '/^bootloader-custom-backend=/d'
