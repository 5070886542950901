# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: nothing mounts '/dev/system/data'
replace rootfs/etc/fstab '/system.data/d'
