# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: leads to GRUB's menu, and from there to its prompt
replace custom_build/grub/grub.cfg 's/^set slot=$/set timeout=5\nmenuentry none { reboot; }\n&/; s/^if hashsum/menuentry slot {\n&/; s/^echo "BOOT: slot $slot did not.*/}\nset default=1/; /^sleep 2$/,$d'
