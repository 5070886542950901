# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: RAUC reads 'max-bundle-download-size' as a number without a unit
replace rootfs/etc/rauc/system.conf 's/^max-bundle-download-size=.*/max-bundle-download-size=2G/'
