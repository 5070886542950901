# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-tryboot
# says: custom_build/boot/cmdline-b.txt:1:1: the kernel is told slot 'C'
replace custom_build/boot/cmdline-b.txt 's/rauc.slot=B/rauc.slot=C/'
