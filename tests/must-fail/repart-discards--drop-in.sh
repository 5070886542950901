# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: without --discard=no
printf '[Service]\nExecStart=\nExecStart=systemd-repart --dry-run=no\n' \
	>rootfs/etc/systemd/system/systemd-repart.service.d/z.conf
