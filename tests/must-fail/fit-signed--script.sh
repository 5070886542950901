# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'booti' starts a kernel that nobody signed
cp custom_build/uboot-raspberrypi400/boot.txt before.txt
signed_fit
mv before.txt custom_build/uboot-raspberrypi400/boot.txt
