# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'boot-complete.target' does not wait for 'health-application.service'
replace rootfs/etc/systemd/system/health-application.service '/^Before=/d'
