# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: device, offset, size
replace rootfs/etc/fw_env.config 's/0x200000.*/here/'
