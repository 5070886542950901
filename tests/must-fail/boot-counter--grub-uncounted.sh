# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: slot 'B' is tried for ever
replace custom_build/grub/grub.cfg 's/^eval "set ${slot}_TRY=.*/set A_TRY=$next/'
