# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: '/data/settings' is promised to outlive updates
replace recipes/device.yaml 's,/data/ssh:,/data/settings:,'
