# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: promises device=/dev/system/root-b in [slot.rootfs.1], and here is /dev/system/root-a
# shellcheck disable=SC2016
replace rootfs/etc/rauc/system.conf 's#^{{device.rauc-slots}}#[slot.rootfs.0]\ndevice=/dev/system/root-a\ntype=ext4\nbootname=A\n[slot.rootfs.1]\ndevice=/dev/system/root-a\ntype=ext4\nbootname=B#'
