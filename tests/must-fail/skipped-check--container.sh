# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is not a container
replace rootfs/etc/systemd/system/app.target '/^\[Unit\]/a ConditionVirtualization=container'
