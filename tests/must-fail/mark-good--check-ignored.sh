# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: the '-' has systemd ignore that this fails
replace rootfs/etc/systemd/system/health-application.service 's/ExecStart=/&-/'
