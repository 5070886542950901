# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: BOOT_ORDER is set each time
replace custom_build/uboot-raspberrypi400/boot.txt 's/^test .* || setenv BOOT_ORDER/setenv BOOT_ORDER/'
