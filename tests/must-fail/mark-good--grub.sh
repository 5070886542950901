# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: the kernel is told no 'rauc.slto'
replace rootfs/etc/systemd/system/rauc-mark-good.service 's/=rauc.slot/=rauc.slto/'
