# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: systemd-repart without --discard=no
replace rootfs/usr/lib/edge-device/repartition 's/ --discard=no//'
replace rootfs/etc/systemd/system/systemd-repart.service.d/edge-device.conf 's,^ExecStart=/usr.*,& now,'
