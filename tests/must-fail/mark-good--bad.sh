# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rauc-mark-good.service:20:1: this does not mark the booted slot as good
replace rootfs/etc/systemd/system/rauc-mark-good.service 's/status mark-good$/status mark-bad/'
