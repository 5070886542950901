# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no fragment says CONFIG_ENV_IS_IN_MMC=y
replace custom_build/uboot-raspberrypi400/env.config '/^CONFIG_ENV_IS_IN_MMC=y/d'
