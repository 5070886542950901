# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: does not name one disk for ever
replace rootfs/etc/rauc/system.conf 's#^device=/dev/system/root-a#device=/dev/mmcblk0p2#'
