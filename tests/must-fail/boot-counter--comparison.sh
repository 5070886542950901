# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: decides about the branch that takes one off it
replace custom_build/uboot-raspberrypi400/boot.txt 's/test 0x\(${BOOT_B_LEFT}\)/test 1x\1/'
