# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: kernel argument 'panic=' is missing
replace custom_build/uboot-raspberrypi400/boot.txt 's/ panic=[0-9]*//'
