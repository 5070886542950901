# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: slot 'A' is tried 2 times, and device 'device'
replace custom_build/grub/grub.cfg 's/-lt {{device#tries}}/-lt 2/'
