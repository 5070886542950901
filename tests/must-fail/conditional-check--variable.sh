# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: where this does not hold 'health-application.service' is skipped
# A variable of the boot script has it on some boards.
replace rootfs/etc/systemd/system/health-application.service '/^\[Unit\]/a ConditionKernelCommandLine=!systemd.watchdog_sec=off'
