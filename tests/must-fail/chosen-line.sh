# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no line that the boot script custom_build/uboot-raspberrypi400/boot.txt prints is like
replace custom_build/uboot-raspberrypi400/boot.txt 's/BOOT: slot ${slot} order/BOOT: slot ${slot} from/'
