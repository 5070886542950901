# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: without 'emergency.service' a device in emergency mode hangs
ln -s /dev/null rootfs/etc/systemd/system/emergency.service
