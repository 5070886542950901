# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: config.txt:3:1: the firmware does not know 'arm64_bit' and passes over it: did you mean 'arm_64bit'?
replace custom_build/uboot-raspberrypi400/config.txt 's/arm_64bit/arm64_bit/'
