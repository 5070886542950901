# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no fragment says CONFIG_ENV_OFFSET_REDUND
replace custom_build/uboot-raspberrypi400/env.config 's/^{{device#env-config}}/CONFIG_ENV_OFFSET=0x100000\nCONFIG_ENV_SIZE=0x8000/'
