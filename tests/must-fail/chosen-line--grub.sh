# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: prints 'BOOT: slot A' last
replace custom_build/grub/grub.cfg 's/^echo "BOOT: slot $slot order.*/echo "BOOT: slot $slot"/'
