# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rootfs/firmware/b/args.txt:1:1: panic=0 makes a panic last for ever
echo >custom_build/uboot-raspberrypi400/boot.txt
mkdir -p rootfs/firmware/b
printf 'os_prefix=b/\n[pi4]\ncmdline=args.txt\n' >rootfs/firmware/config.txt
echo 'ro gpt panic=0 rauc.slot=A' >rootfs/firmware/b/args.txt
