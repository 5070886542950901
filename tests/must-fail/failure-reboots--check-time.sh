# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'health-application.service' may take for ever to start
replace rootfs/etc/systemd/system/health-application.service '/^TimeoutStartSec/d'
