# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: GRUB's environment is in '(hd0,gpt1)/EFI/BOOT/grubenv', and device 'device' (recipes/device.yaml) promises it in partition 2
replace custom_build/grub/grub.cfg 's/_env --file "$env"/_env/'
