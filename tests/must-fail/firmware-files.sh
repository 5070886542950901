# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: config.txt:4:1: image 'boot' has no '/uboot.bin', so the firmware would start nothing
replace custom_build/uboot-raspberrypi400/config.txt 's/kernel=u-boot.bin/kernel=uboot.bin/'
