# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: sshd is told to read '/etc/ssh/ssh_host_ed25519_key'
replace rootfs/etc/ssh/sshd_config.d/edge-device.conf '/HostKey/d'
