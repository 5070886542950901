# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: there is no 'firmware-tre' in this image
replace custom_build/fit/slot.its 's/default = "firmware-tree"/default = "firmware-tre"/'
