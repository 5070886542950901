# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is not where partition
replace rootfs/etc/rauc/system.conf 's#^{{device.rauc-slots}}#[slot.bootloader.0]\ndevice=/dev/system/disk\ntype=boot-gpt-switch\nregion-start=8M\nregion-size=128M#'
