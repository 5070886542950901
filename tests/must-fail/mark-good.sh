# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: whether the application works or not
replace rootfs/etc/systemd/system/rauc-mark-good.service 's/^Requires=/Wants=/'
