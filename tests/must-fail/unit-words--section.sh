# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no section 'service'
replace rootfs/etc/systemd/system/emergency.service.d/edge-device.conf 's/Service/service/'
