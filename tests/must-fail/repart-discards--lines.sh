# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: without --discard=no
replace rootfs/usr/lib/edge-device/repartition 's/--discard=no/\\\n\t/'
