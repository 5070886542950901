# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: panic=0 makes a panic last for ever
replace custom_build/uboot-raspberrypi400/boot.txt 's/ panic=5 / panic=0 /'
