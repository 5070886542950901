# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no line takes one off BOOT_B_LEFT
replace custom_build/uboot-raspberrypi400/boot.txt '/setexpr BOOT_B_LEFT/d'
