# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: there is no '/usr/lib/edge-device/edit-table' in any image, and '/usr/lib/edge-device/slot-written' names it
rm rootfs/usr/lib/edge-device/edit-table
