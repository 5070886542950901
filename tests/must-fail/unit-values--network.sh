# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: did you mean 'yes'
replace rootfs/etc/systemd/network/80-ethernet.network 's/DHCP=yes/DHCP=yess/'
