# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: systemd cannot read 'RuntimeWatchdogSec=60x'
replace rootfs/etc/systemd/system.conf.d/edge-device.conf 's/60s/60x/'
