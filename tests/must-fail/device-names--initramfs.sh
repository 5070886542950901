# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: has no partition 'state'
replace custom_build/initramfs/scripts/edge-device 's/PARTNAME=data/PARTNAME=state/'
