# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no udev rule of the image makes '/dev/card/data'
replace rootfs/etc/fstab 's#^/dev/system/data#/dev/card/data#'
