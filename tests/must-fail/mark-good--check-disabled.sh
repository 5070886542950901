# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'health-network.service' is never asked
replace recipes/root.yaml '/- health-network.service/d'
