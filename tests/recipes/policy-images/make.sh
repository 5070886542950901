#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What orch cannot read, or no recipe makes: a capability, a file system that it does not know, keys
# far inside a partition.
set -eu
mkdir -p tree/usr
echo "${1:-ping}" >tree/usr/ping
tar -C tree --owner=0 --group=0 --mode=755 --mtime=@0 --format=pax \
	--pax-option=LIBARCHIVE.xattr.security.capability:=AQAAAgAgAAAAAAAAAAAAAAAAAAA= -cf tree.tar usr
rm -r tree
truncate -s 8500K keys.bin
openssl genpkey -algorithm ed25519 >>keys.bin
truncate -s 9M keys.bin
truncate -s 1M f2fs.img
printf '\020\040\365\362' | dd of=f2fs.img bs=1 seek=1024 conv=notrunc status=none
printf '0707010000' >initrd.img
