# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: needs 'region: 2x'
replace recipes/install.yaml 's/, region: 2x//'
replace recipes/device.yaml 's/, type: boot-gpt-switch//'
replace rootfs/etc/rauc/system.conf 's#^{{device.rauc-slots}}#[slot.bootloader.0]\ndevice=/dev/system/disk\ntype=boot-gpt-switch\nregion-start=4M\nregion-size=128M#'
