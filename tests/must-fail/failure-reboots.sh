# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: say 'FailureAction=reboot'
replace rootfs/etc/systemd/system/app.service '/^FailureAction=/d'
