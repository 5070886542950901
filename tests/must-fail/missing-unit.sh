# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: there is no unit 'main.service'
mkdir -p tree/usr/lib/systemd/system
for unit in network.target boot-complete.target shutdown.target sysinit.target ssh.service; do
	: >tree/usr/lib/systemd/system/$unit
done
system_tree
replace rootfs/etc/systemd/system/app.target 's/app.service/main.service/'
