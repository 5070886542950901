# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: would be overwritten by what is loaded at
kernel 0000000007000000
all_features
replace custom_build/uboot-raspberrypi400/boot.txt 's/^slot=$/kernel_offset=0x3000000\ninitrd_at=0x9000000\n&/'
system_tree
