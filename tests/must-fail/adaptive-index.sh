# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: say 'data-directory=/data/…' in [system]
replace rootfs/etc/rauc/system.conf '/^data-directory=/d'
