# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-tryboot
# says: custom_build/boot/cmdline-a.txt:1:1: root=PARTUUID=
replace custom_build/boot/cmdline-a.txt 's/root-a/root-b/'
