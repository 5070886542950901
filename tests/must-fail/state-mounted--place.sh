# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: none of what it keeps lies there
replace rootfs/etc/fstab 's,	/data	,	/mnt/data	,'
