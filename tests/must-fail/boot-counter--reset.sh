# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: BOOT_A_LEFT starts over each time
replace custom_build/uboot-raspberrypi400/boot.txt 's/^test .* || setenv BOOT_A_LEFT/setenv BOOT_A_LEFT/'
