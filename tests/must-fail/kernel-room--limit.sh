# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: U-Boot unpacks at most 0x2000000
kernel 00000000024f0000
all_features
echo CONFIG_SYS_BOOTM_LEN=0x2000000 >>custom_build/uboot-raspberrypi400/boot.config
system_tree
