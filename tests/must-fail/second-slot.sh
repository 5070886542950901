# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: class 'bootloader' has one slot
replace recipes/device.yaml 's#type: boot-gpt-switch, ##'
