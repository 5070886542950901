# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: it has no type of key
echo 'the key of somebody' >>rootfs/etc/ssh/authorized_keys
