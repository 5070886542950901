# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is not a number
replace custom_build/uboot-raspberrypi400/env.config 's/^{{device#env-config}}/CONFIG_ENV_OFFSET=there/'
