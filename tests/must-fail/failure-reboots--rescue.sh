# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: in rescue mode a device waits at a prompt for ever
replace rootfs/etc/systemd/system/app.service 's/^FailureAction=.*/&\nOnFailure=rescue.target/'
