# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: so there is no /dev/system/my-data in '/etc/systemd/system/check-data.service'
replace rootfs/etc/systemd/system/check-data.service 's/^BindsTo=.*/BindsTo=dev-system-my\\x2ddata.device/'
