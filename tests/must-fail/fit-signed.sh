# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: but CONFIG_RSA is not 'y'
signed_fit
replace custom_build/uboot-raspberrypi400/boot.config '/^CONFIG_RSA=/d'
