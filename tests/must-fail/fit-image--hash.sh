# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: this image has no hash
replace custom_build/fit/slot.its '0,/hash-1/{/hash-1/d}'
