# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: the slot is marked good whatever 'health-
# The unit is the package's, and a drop-in of the project has it wait for too little.
rm rootfs/etc/systemd/system/rauc-mark-good.service
mkdir rootfs/etc/systemd/system/rauc-mark-good.service.d
printf '[Unit]\nRequires=app.target\nAfter=app.target\n' >rootfs/etc/systemd/system/rauc-mark-good.service.d/wait.conf
