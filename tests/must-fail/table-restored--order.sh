# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: partition 2 of disk 'install' (recipes/install.yaml) is 'root-a', not 'root-b'
replace custom_build/uboot-raspberrypi400/repair.txt "s/'{{device.gpt-write}}'/'uuid_disk=\${uuid};name=boot,start=4MiB,size=64MiB;name=root-b,size=768MiB'/"
