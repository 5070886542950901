# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: every device would have the same '/etc/machine-id'
echo 0123456789abcdef0123456789abcdef >rootfs/etc/machine-id
