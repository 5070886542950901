# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: when 'health-application.service' fails the device stays in a slot
replace rootfs/etc/systemd/system/health-application.service '/^FailureAction=/d'
