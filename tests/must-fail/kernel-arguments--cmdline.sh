# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rootfs/firmware/cmdline.txt:1:1: kernel argument 'gpt' is missing
# Without U-Boot the firmware starts the kernel.
echo >custom_build/uboot-raspberrypi400/boot.txt
mkdir -p rootfs/firmware
echo 'kernel=vmlinuz' >rootfs/firmware/config.txt
echo 'ro panic=5 rauc.slot=A' >rootfs/firmware/cmdline.txt
