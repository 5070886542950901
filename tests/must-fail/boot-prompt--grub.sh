# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: when this fails GRUB waits for ever
replace custom_build/grub/grub.cfg '$d'
