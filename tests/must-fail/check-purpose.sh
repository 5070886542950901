# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: say 'check-purpose=codesign'
replace rootfs/etc/rauc/system.conf '/^check-purpose/d'
