# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'app.service' may take for ever to start
replace rootfs/etc/systemd/system/app.target '/^JobTimeoutAction/d'
