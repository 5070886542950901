# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: has '/usr/lib/edge-device/stays-up'
replace rootfs/etc/systemd/system/health-application.service '/^\[Unit\]/a ConditionPathExists=!/usr/lib/edge-device/stays-up'
