# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'app.service' is always skipped
mkdir -p rootfs/etc/systemd/system/service.d
printf '[Unit]\nConditionVirtualization=container\n' >rootfs/etc/systemd/system/service.d/device.conf
