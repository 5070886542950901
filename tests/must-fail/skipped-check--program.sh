# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: this program always says no
replace rootfs/etc/systemd/system/health-network.service 's,^ExecCondition=.*,ExecCondition=/bin/false,'
