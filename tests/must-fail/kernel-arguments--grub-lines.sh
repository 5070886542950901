# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: kernel argument 'panic=' is missing
replace custom_build/grub/grub.cfg 's/ panic=5 \(.*\)$/ \\\n\t\t\1/'
