# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: would end at U-Boot's prompt
replace custom_build/uboot-raspberrypi400/boot.txt '$d'
