# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: this device tree has no key
signed_fit
replace recipes/boot.yaml 's/fit:bcm2711-rpi-400/device-trees:bcm2711-rpi-400/'
