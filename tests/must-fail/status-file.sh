# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: say 'statusfile=
replace rootfs/etc/rauc/system.conf '/^statusfile/d'
