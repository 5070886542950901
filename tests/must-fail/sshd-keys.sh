# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: '/etc/ssh/ssh_host_ed25519_key', which image 'root' does not have
replace rootfs/etc/ssh/sshd_config.d/edge-device.conf 's,/data/ssh/,/etc/ssh/,'
