# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no udev rule of the image makes '/dev/sys/{partition}'
replace recipes/device.yaml 's#^paths: .*#paths: /dev/sys/{partition}#'
