# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rootfs/etc/modules-load.d/radio.conf:2:1: /usr/lib/modules/6.1 of node 'system' has no module 'brcmfmak'
mkdir rootfs/etc/modules-load.d
printf '; systemd reads it\nbrcmfmak\nloop\n' >rootfs/etc/modules-load.d/radio.conf
kernel 0000000002000000
all_features
system_tree
