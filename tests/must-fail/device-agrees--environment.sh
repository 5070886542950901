# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: promises copy 1 of the environment on /dev/system/disk
replace rootfs/etc/fw_env.config 's#^{{device.fw-env}}#/dev/system/card 0x100000 0x8000\n/dev/system/card 0x200000 0x8000#'
