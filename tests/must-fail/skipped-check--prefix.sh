# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'health-application.service' is always skipped
mkdir -p rootfs/etc/systemd/system/health-.service.d
printf '[Unit]\nConditionVirtualization=container\n' >rootfs/etc/systemd/system/health-.service.d/device.conf
