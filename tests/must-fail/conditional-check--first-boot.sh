# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: where this does not hold 'app.service' is skipped
replace rootfs/etc/systemd/system/app.service '/^\[Unit\]/a ConditionFirstBoot=yes'
