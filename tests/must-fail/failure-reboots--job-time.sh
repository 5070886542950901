# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: this never happens, as the job may take for ever
replace rootfs/etc/systemd/system/app.target '/^JobTimeoutSec/d'
