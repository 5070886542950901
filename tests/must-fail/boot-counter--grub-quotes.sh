# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: slot 'B' is never tried again, only 'A'
replace custom_build/grub/grub.cfg 's/set ORDER="$order"/set ORDER=$order/'
