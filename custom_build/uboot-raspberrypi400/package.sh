#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# package.sh U-BOOT: boot.scr of boot.txt, and uboot-raspberrypi400.deb of both. Runs in the toolchain
# tree; results appear in the current directory.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

mkimage -A arm64 -O linux -T script -C none -n boot.scr -d "$here/boot.txt" boot.scr
mkdir source
cp -R "$here/debian" "$1" boot.scr source/
chmod -R u+w source
# Nothing is compiled: what build-essential brings is not needed.
(cd source && CC=aarch64-linux-gnu-gcc dpkg-buildpackage -b -us -uc -d -aarm64)
mv uboot-raspberrypi400_*.deb uboot-raspberrypi400.deb
