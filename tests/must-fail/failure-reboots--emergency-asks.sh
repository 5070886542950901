# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: in emergency mode a device waits at a prompt for ever
# It succeeds when somebody has typed the password.
replace rootfs/etc/systemd/system/emergency.service.d/edge-device.conf 's,^ExecStart=/.*,ExecStart=/usr/sbin/sulogin,; /^.Service/i [Unit]\nSuccessAction=reboot'
