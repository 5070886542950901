# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: slot B is partition 3
replace custom_build/uboot-raspberrypi400/boot.txt 's/rootpart={{device#B.number}}/rootpart=2/'
