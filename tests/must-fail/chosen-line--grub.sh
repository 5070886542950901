# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: no line that custom_build/grub/grub.cfg prints before slot 'A' starts is like
replace custom_build/grub/grub.cfg 's/^echo "BOOT: slot $slot order.*/echo "BOOT: slot $slot"/'
