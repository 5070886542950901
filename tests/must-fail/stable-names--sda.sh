# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: '/dev/sd' does not name one disk for ever
replace rootfs/etc/fw_env.config 's#^{{device.fw-env}}#/dev/sda 0x100000 0x8000\n/dev/sda 0x200000 0x8000#'
