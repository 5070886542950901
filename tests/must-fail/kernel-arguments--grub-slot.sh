# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: no argument rauc.slot= tells the kernel one of the slots
replace custom_build/grub/grub.cfg 's/ rauc.slot=$slot//'
