# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: has no CONFIG_BLK_DEV_LOOP
kernel 0000000002000000
kernel_config CONFIG_DM_VERITY=y CONFIG_SQUASHFS=y
system_tree
