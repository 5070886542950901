# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: lies in no 'reserved:' area
replace rootfs/etc/fw_env.config 's/0x200000/0x280000/'
