# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no fragment says CONFIG_BOOTCOMMAND
replace custom_build/uboot-raspberrypi400/boot.config '/^CONFIG_BOOTCOMMAND/d'
