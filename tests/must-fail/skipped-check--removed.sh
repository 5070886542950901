# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'health-application.service' is always skipped
replace rootfs/etc/systemd/system/health-application.service '/^\[Unit\]/a ConditionPathExists=/usr/lib/edge-device/notes'
: >rootfs/usr/lib/edge-device/notes
replace recipes/root.yaml 's,^remove:,&\n  - /usr/lib/edge-device/notes,'
system_tree
