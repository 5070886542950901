# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: would be overwritten by what is loaded at 0x4000000
kernel 00000000024f0000
all_features
replace custom_build/uboot-raspberrypi400/boot.txt 's/^slot=$/kernel_offset=0x3000000\nramdisk_offset=0x4000000\n&/'
system_tree
