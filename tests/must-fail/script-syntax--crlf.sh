# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rootfs/usr/lib/edge-device/prepare-data:1:10: the first line ends in a carriage return
replace rootfs/usr/lib/edge-device/prepare-data 's/$/\r/'
