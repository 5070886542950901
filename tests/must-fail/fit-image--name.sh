# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: custom_build/fit/slot.its:54:1: there is no 'initramf' in this image
replace custom_build/fit/slot.its '0,/ramdisk = "initramfs"/s//ramdisk = "initramf"/'
