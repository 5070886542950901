# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The boot script is made in a guest, of what is on a disk of it.
# says: no line takes one off BOOT_A_LEFT
in_guest
replace recipes/boot-script.yaml '/template:/d; s/^from:/disks: [script-disk]\n&/'
printf '%s\n' 'kind: image' 'size: 16M' 'filesystem: ext4' 'contents:' \
	'  - {template: custom_build/uboot-raspberrypi400/boot.txt, to: /}' >recipes/script-disk.yaml
replace custom_build/uboot-raspberrypi400/boot.txt '/setexpr BOOT_A_LEFT/d'
