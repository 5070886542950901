# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: when 'app.service' fails the device stays in a slot
replace rootfs/etc/systemd/system/app.service 's/^FailureAction=.*/FailureAction=soft-reboot/'
