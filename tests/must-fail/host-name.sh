# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'edge device' is not a name of a host
echo 'edge device' >rootfs/etc/hostname
