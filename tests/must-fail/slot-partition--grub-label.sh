# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: is told root=PARTLABEL=root-b
replace custom_build/grub/grub.cfg 's/{{device#A.partition}}/root-b/'
