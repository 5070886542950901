# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: image 'boot' has no '/u-boot.bin'
replace recipes/boot.yaml '/u-boot:u-boot.bin/d'
