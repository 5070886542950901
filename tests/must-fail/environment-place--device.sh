# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: this is another device than mmc 1, where U-Boot keeps its environment (CONFIG_SYS_MMC_ENV_DEV, custom_build
replace custom_build/uboot-raspberrypi400/env.config 's/^CONFIG_SYS_MMC_ENV_DEV=0/CONFIG_SYS_MMC_ENV_DEV=1/'
