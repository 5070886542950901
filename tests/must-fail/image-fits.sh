# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is larger than its partition
replace recipes/root.yaml 's/^size:.*/size: 8G/'
