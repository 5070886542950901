# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is lost in a power cut
replace rootfs/etc/fw_env.config '/0x200000/d'
