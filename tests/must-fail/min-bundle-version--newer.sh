# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: would refuse bundle 'bundle'
replace rootfs/etc/rauc/system.conf 's/^min-bundle-version=.*/min-bundle-version=9.0.0/'
