# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is not twice the first partition
replace rootfs/etc/rauc/system.conf 's/^region-size=.*/region-size=96M/'
