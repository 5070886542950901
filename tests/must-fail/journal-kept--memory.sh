# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: the journal may take 2G of memory
replace rootfs/etc/systemd/journald.conf.d/edge-device.conf 's/^RuntimeMaxUse=.*/RuntimeMaxUse=2G/'
