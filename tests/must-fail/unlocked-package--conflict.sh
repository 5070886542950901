# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: the conflict of a merge
replace recipes/platform.lock '20i<<<<<<< HEAD'
