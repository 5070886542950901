# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The boot script is made in a guest, of its inputs.
# says: no line takes one off BOOT_A_LEFT
in_guest
replace custom_build/uboot-raspberrypi400/boot.txt '/setexpr BOOT_A_LEFT/d'
