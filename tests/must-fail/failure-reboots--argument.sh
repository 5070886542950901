# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: the kernel is told 'systemd.unit=rescue.target'
replace custom_build/uboot-raspberrypi400/boot.txt 's/ panic=5 / systemd.unit=rescue.target&/'
