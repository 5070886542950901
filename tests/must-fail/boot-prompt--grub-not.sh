# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: GRUB cannot do 'search.file'
replace custom_build/grub/grub.cfg 's/^set slot=$/if ! search.file \/none none; then true; fi\n&/'
