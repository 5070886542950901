# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: has no partition 'data', so there is no /dev/system/data in '/etc/fstab'
replace recipes/install.yaml 's/name: data,/name: state,/'
replace recipes/device.yaml 's/partition: data/partition: state/'
replace recipes/tests/boot-card.yaml 's/\bdata]/state]/'
