# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: where this does not hold 'health-application.service' is skipped
replace rootfs/etc/systemd/system/health-application.service '/^\[Unit\]/a ConditionPathExists=/data/health/wanted'
