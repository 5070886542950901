# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: would be overwritten by what is loaded at
kernel 0000000007000000
all_features
sed -i 's/ramdisk_offset/initrd_at/' custom_build/uboot-raspberrypi400/boot.txt
system_tree
