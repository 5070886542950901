# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: nothing in this script sets 'disk'
replace rootfs/usr/lib/edge-device/on-system-disk '/^disk=/d'
