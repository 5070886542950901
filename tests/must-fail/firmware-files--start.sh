# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: image 'boot' has /config.txt (custom_build/uboot-raspberrypi400/config.txt) and no firmware that would read it
replace recipes/boot.yaml '/start4.elf/d'
