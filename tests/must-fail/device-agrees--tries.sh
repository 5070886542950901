# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: promises boot-attempts=3, and here is 5
replace rootfs/etc/rauc/system.conf 's/^boot-attempts=.*/boot-attempts=5/'
