# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rootfs/etc/rauc/system.conf:4:1: image 'root' has no fw_setenv, by which RAUC chooses the slot
mkdir -p tree/usr/bin tree/usr/lib/systemd
touch tree/usr/lib/systemd/systemd tree/usr/bin/fw_printenv
system_tree
