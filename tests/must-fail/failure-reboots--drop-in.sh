# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: do not fall into StartLimitIntervalSec=0
mkdir rootfs/etc/systemd/system/rauc-mark-good.service.d
printf '[Unit]\nStartLimitIntervalSec=0\n' >rootfs/etc/systemd/system/rauc-mark-good.service.d/limit.conf
