# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: the lock is not as 'orch lock' wrote it
replace recipes/platform.lock '/^package [^ ]* rauc /d'
