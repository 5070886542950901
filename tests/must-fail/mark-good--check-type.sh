# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: counts as passed as soon as its program has started
replace rootfs/etc/systemd/system/health-application.service 's/oneshot/simple/'
