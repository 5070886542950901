# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is not that of disk
echo "gpt write mmc 0 'name=boot,start=4MiB,size=64MiB;name=root-a,size=1GiB,type=linux';" >>custom_build/uboot-raspberrypi400/repair.txt
