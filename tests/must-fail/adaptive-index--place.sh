# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: '/var/lib/rauc' is on no partition of
replace rootfs/etc/rauc/system.conf 's#^data-directory=.*#data-directory=/var/lib/rauc#'
