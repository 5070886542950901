# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: kernel argument 'rauc.slot=' is missing
replace custom_build/uboot-raspberrypi400/boot.txt 's/ rauc.slot=[^ ]*//'
