# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: slots of class 'bootloader' have type=boot-gpt-switch
replace recipes/bundle.yaml 's/^adaptive: .*/adaptive: [rootfs, bootloader]/'
