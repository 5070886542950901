# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-tryboot
# says: RAUC asks /usr/lib/gateway/tryboot (rootfs/etc/rauc/system.conf:23) for 'set-state', which it does not know
replace rootfs/usr/lib/gateway/tryboot 's/set-state/set_state/'
