# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: sshd does not start with the key 'NoGraphics'
replace rootfs/etc/ssh/sshd_config.d/edge-device.conf 's/X11Forwarding/NoGraphics/'
