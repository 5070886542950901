# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: the journal may take 600M, and partition 'app-a' that keeps it
replace rootfs/etc/fstab "s,^tmpfs.*,/dev/system/app-a /var ext4 defaults 0 0,"
replace rootfs/etc/systemd/journald.conf.d/edge-device.conf 's/^SystemMaxUse=.*/SystemMaxUse=600M/'
