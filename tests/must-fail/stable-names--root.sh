# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: does not name one slot for ever
replace custom_build/uboot-raspberrypi400/boot.txt 's/root=PARTUUID=[^ ]*/root=\/dev\/mmcblk0p2/'
