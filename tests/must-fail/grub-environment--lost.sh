# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: GRUB cannot read its environment block it starts no slot
replace custom_build/grub/grub.cfg '/^set A_OK=1$/d; /^set B_OK=1$/d; /^	*set [AB]_OK=1/d'
