# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 80-ethernet.network:1:1: nothing starts systemd-networkd.service, which reads this
replace recipes/root.yaml '/- systemd-networkd.service/d'
