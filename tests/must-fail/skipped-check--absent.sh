# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: has no '/usr/share/edge-device/check-health'
replace rootfs/etc/systemd/system/health-network.service '/^\[Unit\]/a ConditionPathExists=/usr/share/edge-device/check-health'
mkdir -p tree/data tree/var tree/usr/share && tree_of system
