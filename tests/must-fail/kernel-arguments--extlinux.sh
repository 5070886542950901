# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rootfs/boot/extlinux/extlinux.conf:5:1: kernel argument 'panic=' is missing
replace custom_build/uboot-raspberrypi400/boot.txt 's/^\tbootm .*/\tsysboot mmc 0:${rootpart} any ${scriptaddr} boot\/extlinux\/extlinux.conf/; s/ panic=5 / /'
mkdir -p rootfs/boot/extlinux
printf 'DEFAULT b\nLABEL a\n  APPEND ro gpt panic=5 rauc.slot=A\nLABEL b\n  APPEND ro gpt rauc.slot=B\n' >rootfs/boot/extlinux/extlinux.conf
