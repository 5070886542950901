# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: RAUC could not choose
replace custom_build/uboot-raspberrypi400/boot.txt 's/^for bootname in .*/for bootname in A B; do/'
