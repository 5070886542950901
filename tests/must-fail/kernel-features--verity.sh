# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: has no CONFIG_DM_VERITY
kernel 0000000002000000
kernel_config CONFIG_SQUASHFS=m CONFIG_BLK_DEV_LOOP=y
system_tree
