# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: never tries bootname
replace rootfs/etc/rauc/system.conf 's#^{{device.rauc-slots}}#[slot.rootfs.0]\ndevice=/dev/system/root-a\nbootname=Z#'
