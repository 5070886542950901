# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: is started though RAUC called it bad (A_OK=0)
replace custom_build/grub/grub.cfg 's/if \[ "$ok" = 1 \]/if [ -n "$ok" ]/'
