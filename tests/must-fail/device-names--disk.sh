# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no udev rule of the image makes '/dev/sys/card'
replace recipes/device.yaml 's#^disk-path: .*#disk-path: /dev/sys/card#'
