# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is a boot partition of the eMMC
replace custom_build/uboot-raspberrypi400/env.config 's/^CONFIG_SYS_MMC_ENV_PART=0/CONFIG_SYS_MMC_ENV_PART=1/'
