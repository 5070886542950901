# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: in emergency mode a device waits at a prompt for ever
rm -r rootfs/etc/systemd/system/emergency.service.d
