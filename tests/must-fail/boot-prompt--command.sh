# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: does not end in 'reset'
replace custom_build/uboot-raspberrypi400/boot.config '/^CONFIG_BOOTCOMMAND=/s/; reset//'
