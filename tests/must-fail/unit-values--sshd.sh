# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: did you mean 'prohibit-password'
replace rootfs/etc/ssh/sshd_config.d/edge-device.conf 's/prohibit-password/prohibit-pasword/'
