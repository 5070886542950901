# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: did you mean 'authorized_keys'
replace rootfs/etc/ssh/sshd_config.d/edge-device.conf 's,/authorized_keys,/authorised_keys,'
