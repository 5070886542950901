# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: but /etc/fw_env.config
replace custom_build/uboot-raspberrypi400/env.config 's/^{{device#env-config}}/CONFIG_ENV_OFFSET=0x180000\nCONFIG_ENV_SIZE=0x8000/'
