# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: has no partition
replace rootfs/etc/rauc/system.conf 's#^{{device.rauc-slots}}#[slot.rootfs.0]\ndevice=/dev/system/root-c\nbootname=A#'
