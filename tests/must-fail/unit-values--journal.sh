# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: systemd cannot read 'SystemMaxUse=32MB'
replace rootfs/etc/systemd/journald.conf.d/edge-device.conf 's/32M$/32MB/'
