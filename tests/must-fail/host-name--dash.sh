# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: '-edge' is not a name of a host
echo -edge >rootfs/etc/hostname
