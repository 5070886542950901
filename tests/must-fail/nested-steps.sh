# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: may make mounts and namespaces
replace recipes/u-boot.yaml 's/^root:/nested: true\nroot:/'
