# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: in emergency mode a device reaches 'emergency.target', and waits for ever
printf '[Unit]\nRequires=app.service\n' >rootfs/etc/systemd/system/emergency.target
