# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: set CONFIG_FIT=y
replace custom_build/uboot-raspberrypi400/boot.config '/^CONFIG_FIT=/d'
