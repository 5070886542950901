# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: but U-Boot writes one
replace custom_build/uboot-raspberrypi400/env.config '/REDUNDAND/d'
