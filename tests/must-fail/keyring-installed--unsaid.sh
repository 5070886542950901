# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rootfs/etc/rauc/system.conf:1:1: RAUC is told of no keyring
replace rootfs/etc/rauc/system.conf '/^path=/d'
