# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: say 'bundle-formats=verity'
replace rootfs/etc/rauc/system.conf 's/^bundle-formats=.*/bundle-formats=plain verity/'
