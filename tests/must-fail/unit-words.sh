# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: did you mean 'RemainAfterExit'?
replace rootfs/etc/systemd/system/check-data.service 's/RemainAfterExit/RemainAfterExti/'
