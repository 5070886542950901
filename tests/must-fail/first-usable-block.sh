# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: would lie before U-Boot's environment
replace recipes/install.yaml '/^reserved:/d; /uboot-env/d'
replace recipes/device.yaml '/^  environment:/d'
replace rootfs/etc/fw_env.config 's#^{{device.fw-env}}#/dev/system/disk 0x100000 0x8000#'
replace custom_build/uboot-raspberrypi400/env.config 's/^{{device#env-config}}/CONFIG_ENV_OFFSET=0x100000\nCONFIG_ENV_SIZE=0x8000/'
