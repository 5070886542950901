# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: U-Boot keeps its environment on mmc 1
replace custom_build/uboot-raspberrypi400/env.config 's/^CONFIG_SYS_MMC_ENV_DEV=0/CONFIG_SYS_MMC_ENV_DEV=1/'
