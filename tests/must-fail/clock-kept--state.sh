# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: nothing that devices get keeps '/var/lib/systemd/timesync'
replace rootfs/usr/lib/edge-device/prepare-data 's, timesync:[^;]*,,'
