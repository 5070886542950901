# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rootfs/etc/systemd/system/prepare-data.service:17:1: nothing starts 'prepare-data.service'
replace recipes/root.yaml '/- prepare-data.service/d'
