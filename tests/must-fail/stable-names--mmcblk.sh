# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: does not name one disk for ever
replace recipes/device.yaml 's#^paths: .*#paths: /dev/mmcblk0p-{partition}#'
