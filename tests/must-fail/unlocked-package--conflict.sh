# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: the conflict of a merge
replace recipes/base.lock '20i<<<<<<< HEAD'
