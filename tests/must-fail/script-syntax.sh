# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no shell can read it: Syntax error
replace rootfs/usr/lib/edge-device/prepare-data '0,/^fi$/{/^fi$/d}'
