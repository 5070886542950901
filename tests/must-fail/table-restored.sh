# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is not that of disk
replace custom_build/uboot-raspberrypi400/repair.txt "s/'{{device.gpt-write}}'/'name=boot,start=4MiB,size=64MiB;name=root-a,size=1GiB,type=linux'/"
