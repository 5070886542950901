# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: and its kernel is told root=PARTLABEL=
# Found by a name that is put together.
replace custom_build/grub/grub.cfg 's/^if \[ "$slot" = A \]; then$/function names_A {/; /^function names_A/,/^fi$/ { s/^else$/}\nfunction names_B {/; s/^fi$/}\neval "names_$slot"/; s/partition}}$/&x/; }'
