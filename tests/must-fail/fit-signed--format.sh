# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: but CONFIG_LEGACY_IMAGE_FORMAT is not 'n'
signed_fit
replace custom_build/uboot-raspberrypi400/boot.config 's/^# \(CONFIG_LEGACY_IMAGE_FORMAT\) .*/\1=y/'
