# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: in emergency mode a device waits at a prompt for ever
# It comes up in the same slot, and no try is counted.
replace rootfs/etc/systemd/system/emergency.service.d/edge-device.conf 's/--force reboot/soft-reboot/'
