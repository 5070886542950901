# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no image puts a keyring at
replace recipes/root.yaml '/keyring.pem/d'
