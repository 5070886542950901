# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: never tries bootname
replace rootfs/etc/rauc/system.conf 's/^bootname=B/bootname=Z/'
