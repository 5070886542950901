#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# package.sh U-BOOT: boot.scr of boot.txt, and uboot-raspberrypi400.deb of both. Runs in the toolchain
# tree; results appear in the current directory.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
dir=deb/usr/lib/uboot-raspberrypi400

mkimage -A arm64 -O linux -T script -C none -n boot.scr -d "$here/boot.txt" boot.scr
mkdir -p deb/DEBIAN "$dir"
cp "$1" boot.scr "$dir/"
cp "$here/control" deb/DEBIAN/control
chmod -R u=rwX,go=rX deb
dpkg-deb --root-owner-group -Zxz --build deb uboot-raspberrypi400.deb
