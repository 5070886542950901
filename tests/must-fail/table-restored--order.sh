# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: partition 2 of disk 'install' (recipes/install.yaml) is 'root-a', not 'root-b'
echo "gpt write mmc 0 'uuid_disk=\${uuid};name=boot,start=4MiB,size=64MiB;name=root-b,size=768MiB';" \
	>>custom_build/uboot-raspberrypi400/repair.txt
