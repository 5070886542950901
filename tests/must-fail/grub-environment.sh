# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: grub-editenv refuses '/boot/grub/grubenv'
mkdir -p rootfs/boot/grub
printf 'ORDER=A B\nA_OK=1\n' >rootfs/boot/grub/grubenv
