#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes initrd.img for the kernel of the tree that it runs in.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$PWD
version=$(ls /lib/modules)
export TMPDIR=/tmp
conf=$(mktemp -d)
mkdir -p "$conf/conf.d" "$conf/hooks" "$conf/scripts/init-bottom"
cp "$here/initramfs.conf" "$here/modules" "$conf/"
cp "$here/scripts/edge-device" "$conf/scripts/init-bottom/"
mkinitramfs -d "$conf" -o "$out/initrd.img" "$version"
rm -r "$conf"
