# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: RAUC has no slot 'bootloader.0'
replace recipes/device.yaml 's/^  bootloader: {partitions/  firmware: {partitions/'
replace recipes/bundle.yaml 's/bootloader/firmware/g'
