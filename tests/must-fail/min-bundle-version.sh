# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: say 'min-bundle-version=VERSION'
replace rootfs/etc/rauc/system.conf '/^min-bundle-version/d'
