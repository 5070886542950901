# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: are for arm64
replace rootfs/etc/systemd/system/app.service '/^\[Unit\]/a ConditionArchitecture=x86-64'
