# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: promises it in partition 2, 'grubenv'
replace custom_build/grub/grub.cfg 's/{{install#grubenv.number}}/1/'
