# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: the '-' has systemd ignore that this fails
# The last of several commands is not the only one.
mkdir -p rootfs/etc/systemd/system/health-application.service.d
printf '[Service]\nExecStart=\nExecStart=-/usr/bin/true\nExecStart=/usr/bin/true\n' >rootfs/etc/systemd/system/health-application.service.d/more.conf
