# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: the journal may take 4G, and partition 'data' that keeps it
replace rootfs/etc/systemd/journald.conf.d/edge-device.conf 's/^SystemMaxUse=.*/SystemMaxUse=4G/'
