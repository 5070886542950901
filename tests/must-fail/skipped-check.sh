# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'health-application.service' is always skipped, which counts as passed: the kernel is told no 'health'
replace rootfs/etc/systemd/system/health-application.service '/^\[Unit\]/a ConditionKernelCommandLine=health'
