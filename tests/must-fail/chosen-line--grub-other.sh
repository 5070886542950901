# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: starts the first line that custom_build/grub/grub.cfg prints like 'BOOT: slot ([^ ]+) order' names 'next'
replace custom_build/grub/grub.cfg 's/^echo "BOOT: slot $slot order.*/echo "BOOT: slot next order"\n&/'
