# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: CONFIG_ENV_IS_IN_FAT=y keeps the environment elsewhere
replace custom_build/uboot-raspberrypi400/env.config 's/^# CONFIG_ENV_IS_IN_FAT is not set/CONFIG_ENV_IS_IN_FAT=y/'
