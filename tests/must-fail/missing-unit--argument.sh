# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rootfs/etc/systemd/system/health-application.service:12:1: there is no unit 'ap.service': did you mean 'app.service'?
replace rootfs/etc/systemd/system/health-application.service 's/stays-up app.service/stays-up ap.service/'
