# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is not saved before the kernel starts
replace custom_build/uboot-raspberrypi400/boot.txt '/^saveenv/d'
