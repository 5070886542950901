# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: CONFIG_RESET_TO_RETRY=y
replace custom_build/uboot-raspberrypi400/boot.config '/^CONFIG_RESET_TO_RETRY/d'
