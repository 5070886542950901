# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: repair.txt:12:1: this is another device than mmc 0
replace custom_build/uboot-raspberrypi400/repair.txt 's/mmc dev 0/mmc dev 1/'
