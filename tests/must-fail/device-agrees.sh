# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: promises compatible=raspberrypi, and here is other
replace rootfs/etc/rauc/system.conf 's/^compatible=.*/compatible=other/'
replace recipes/bundle.yaml 's/^compatible: .*/compatible: other/'
