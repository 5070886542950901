# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: lies in no 'reserved:' area
replace rootfs/etc/fw_env.config 's#^{{device.fw-env}}#/dev/system/disk 0x280000 0x8000#'
