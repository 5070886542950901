# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: systemd cannot read 'TimeoutStartSec=
replace rootfs/etc/systemd/system/health-application.service 's/^\(TimeoutStartSec=.*\)$/\1ni/'
