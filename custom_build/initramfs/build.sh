#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes initrd.img for the kernel of the tree that it runs in.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$PWD
version=$(ls /lib/modules)
# mkinitramfs leaves out what the kernel does not have, without a word.
grep -n '^[^#]' "$here/modules" | while IFS=: read -r line module; do
	modprobe -S "$version" -nq "$module" ||
		{ echo "${0%/*}/modules:$line: no module '$module' in $version" >&2; exit 1; }
done
export TMPDIR=/tmp
conf=$(mktemp -d)
mkdir -p "$conf/conf.d" "$conf/hooks" "$conf/scripts/init-bottom"
cp "$here/initramfs.conf" "$here/modules" "$conf/"
cp "$here/scripts/edge-device" "$conf/scripts/init-bottom/"
mkinitramfs -d "$conf" -o "$out/initrd.img" "$version"
rm -r "$conf"
