# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: the kernel is told no 'health'
mkdir rootfs/etc/systemd/system/app.service.d
printf '[Unit]\nConditionKernelCommandLine=|health\nConditionKernelCommandLine=|!rauc.slot\n' >rootfs/etc/systemd/system/app.service.d/only.conf
