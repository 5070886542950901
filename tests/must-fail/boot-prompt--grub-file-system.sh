# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: GRUB cannot read 'root-a', and ends at its prompt
replace custom_build/grub/build.sh 's/ ext2 / /'
