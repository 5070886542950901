# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no shell can read it: Syntax error
replace custom_build/initramfs/scripts/edge-device '/^	esac$/d'
