# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: after its tries: the kernel is told no 'rauc.slto'
mkdir -p rootfs/etc/systemd/system/rauc-mark-good.service.d
printf '[Unit]\nConditionKernelCommandLine=rauc.slto\n' >rootfs/etc/systemd/system/rauc-mark-good.service.d/when.conf
