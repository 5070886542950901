# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: GRUB cannot do 'regexp', and ends at its prompt: 'grub-mkimage' in custom_build/grub/build.sh
replace custom_build/grub/build.sh 's/ regexp / /'
