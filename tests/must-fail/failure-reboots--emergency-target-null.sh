# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: without 'emergency.target' a device in emergency mode hangs
ln -s /dev/null rootfs/etc/systemd/system/emergency.target
