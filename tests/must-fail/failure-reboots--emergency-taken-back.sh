# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: in emergency mode a device waits at a prompt for ever
mkdir -p rootfs/etc/systemd/system/emergency.service.d
printf '[Service]\nExecStart=\nExecStart=/usr/sbin/sulogin\n' >rootfs/etc/systemd/system/emergency.service.d/later.conf
