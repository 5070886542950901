# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: did you mean 'ssh_host_ed25519_key'
replace rootfs/etc/ssh/sshd_config.d/edge-device.conf 's,ed25519_key,ed25519_kye,'
