# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: the kernel is told 'single'
replace custom_build/grub/grub.cfg 's/linux /chainloader /'
mkdir -p rootfs/loader/entries
printf 'title A\noptions ro gpt panic=5 rauc.slot=A\noptions single\n' >rootfs/loader/entries/a.conf
