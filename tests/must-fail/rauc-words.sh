# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rootfs/etc/rauc/system.conf:5:1: RAUC knows no key 'boot-atempts', and would not start: did you mean 'boot-attempts'?
replace rootfs/etc/rauc/system.conf 's/^boot-attempts=/boot-atempts=/'
