# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: there is no '/usr/lib/edge-device/repartition' in any image
rm rootfs/usr/lib/edge-device/repartition
