# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 80-ethernet.network:6:1: nobody knows the section 'Networks': did you mean 'Network'?
replace rootfs/etc/systemd/network/80-ethernet.network 's/^.Network.$/[Networks]/'
