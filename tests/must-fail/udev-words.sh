# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: did you mean 'KERNEL'?
replace rootfs/etc/udev/rules.d/90-system-disk.rules 's/KERNEL==/KERNLE==/'
