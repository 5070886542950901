# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: slot 'A' is tried for ever
replace custom_build/grub/grub.cfg '/^eval "set ${slot}_TRY/,/^echo/{/^save_env/d}'
