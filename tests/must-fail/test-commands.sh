# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: needs commands in the guest, but board 'boards/virt' takes none
replace recipes/boards/virt.yaml '/^agent:/d'
