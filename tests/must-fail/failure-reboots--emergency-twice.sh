# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: say 'ExecStart=' before this line
replace rootfs/etc/systemd/system/emergency.service.d/edge-device.conf '/^ExecStart=$/d'
