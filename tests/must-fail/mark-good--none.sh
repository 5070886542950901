# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: RAUC's own does
rm rootfs/etc/systemd/system/rauc-mark-good.service
