# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: without 'emergency.target' a device in emergency mode hangs
replace recipes/root.yaml 's/^  mask:/&\n    - emergency.target/'
