# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: whatever 'health-application.service' finds
replace rootfs/etc/systemd/system/rauc-mark-good.service 's/ boot-complete.target//'
