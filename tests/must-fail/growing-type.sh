# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: has 0 partitions of type linux-generic
replace recipes/install.yaml 's/type: linux-generic/type: var/'
