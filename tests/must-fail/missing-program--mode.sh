# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: '/usr/lib/edge-device/pre-install' is a program that nobody may execute
chmod -x rootfs/usr/lib/edge-device/pre-install
echo >>rootfs/usr/lib/edge-device/pre-install
