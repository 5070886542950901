# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: and its kernel is loaded from partition 3
replace custom_build/grub/grub.cfg 's/{{device#B.number}}/3/'
