# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rootfs/etc/systemd/network/80-ethernet.network:3:1: nobody knows the key 'Types': did you mean 'Type'?
replace rootfs/etc/systemd/network/80-ethernet.network 's/^Type=/Types=/'
