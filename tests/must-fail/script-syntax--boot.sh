# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no shell can read it: Syntax error
replace custom_build/uboot-raspberrypi400/boot.txt '/^done$/d'
