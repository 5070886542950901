# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: nothing that devices get makes the host key '/data/shh/
replace rootfs/etc/ssh/sshd_config.d/edge-device.conf 's,/data/ssh/,/data/shh/,'
