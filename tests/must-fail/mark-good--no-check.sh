# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'boot-complete.target' is reached without anything having started
rm rootfs/etc/systemd/system/health-*.service
replace recipes/root.yaml '/- health-/d'
