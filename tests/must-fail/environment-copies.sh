# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is lost in a power cut
replace recipes/device.yaml 's/environment: .*/environment: [uboot-env]/'
