# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-tryboot
# says: rootfs/etc/rauc/system.conf:23:1: RAUC has nobody to ask
replace rootfs/etc/rauc/system.conf 's,^\(bootloader-custom-backend=\).*,\1tryboot,'
