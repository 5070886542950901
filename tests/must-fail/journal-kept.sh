# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'Storage=volatile' keeps no journal, and a file
echo Storage=volatile >>rootfs/etc/systemd/journald.conf.d/edge-device.conf
