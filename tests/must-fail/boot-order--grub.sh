# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: with ORDER='B A' GRUB starts slot 'A'
replace custom_build/grub/grub.cfg 's/^for s in $ORDER; do/for s in A B; do/'
