# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: rootfs/etc/systemd/system/rauc-mark-good.service:20:1: image 'root' has no '/usr/bin/rauc': install the package that brings it, or do not remove it
mkdir -p tree/usr/bin tree/usr/lib/systemd
touch tree/usr/lib/systemd/systemd tree/usr/bin/rauc tree/usr/bin/fw_printenv tree/usr/bin/fw_setenv
replace recipes/root.yaml 's,- /usr/share/info,- /usr/bin/ra*,'
system_tree
