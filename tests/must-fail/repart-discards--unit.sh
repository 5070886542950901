# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: would discard the idle half
rm -r rootfs/etc/systemd/system/systemd-repart.service.d
