# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: '/var/lib/systemd/random-seed'
mkdir -p rootfs/var/lib/systemd
echo seed >rootfs/var/lib/systemd/random-seed
