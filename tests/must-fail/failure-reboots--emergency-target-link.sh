# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: in emergency mode a device reaches 'multi-user.target', which does not reboot
ln -s /usr/lib/systemd/system/multi-user.target rootfs/etc/systemd/system/emergency.target
