# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is reached when 'health-application.service' fails as well
replace rootfs/etc/systemd/system/health-application.service 's/RequiredBy/WantedBy/'
