# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: set CONFIG_BOOTDELAY=-2
replace custom_build/uboot-raspberrypi400/boot.config 's/^CONFIG_BOOTDELAY=.*/CONFIG_BOOTDELAY=2/'
