# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: device, offset, size
replace rootfs/etc/fw_env.config 's#^{{device.fw-env}}#/dev/system/disk 0x100000 here#'
