# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: would be lost
replace rootfs/etc/rauc/system.conf 's#^statusfile=.*#statusfile=/var/lib/rauc.status#'
