# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: it is started again for ever
replace rootfs/etc/systemd/system/rauc-mark-good.service '/^StartLimitInterval/d'
