# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: names it: did you mean '/usr/lib/edge-device'?
replace rootfs/etc/systemd/system/systemd-repart.service.d/edge-device.conf 's/edge-device.repart/edge-deviec\/repart/'
