# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: what follows the type is not all of a key
echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0eaCEKDzLk3ux0Y8n0Ba3tQ1FQZ0sT6mZP somebody' \
	>>rootfs/etc/ssh/authorized_keys
