# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: did you mean 'x-systemd.growfs'?
replace rootfs/etc/fstab 's/growfs/growsf/'
