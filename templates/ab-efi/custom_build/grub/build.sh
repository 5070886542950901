#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# build.sh TARGET SIZE: makes grub.efi, which looks for its script beside itself, and grubenv.img, what
# the partition of that size has on a new disk: a tar with GRUB's environment block as its one file, since
# GRUB saves to files alone, and one in a tar never moves. It is 1024 bytes from byte 512 on
# (rootfs/usr/lib/@NAME@/grubenv).
set -eu
target=$1 size=$2
grub-mkimage -O "$target" -p /EFI/BOOT -o grub.efi \
	part_gpt fat ext2 tar normal configfile linux loadenv hashsum gcry_sha256 test regexp echo eval reboot sleep
{
	printf '# GRUB Environment Block\n'
	printf 'ORDER=A B\nA_OK=1\nA_TRY=0\nB_OK=1\nB_TRY=0\n'
	head -c 1024 /dev/zero | tr '\0' '#'
} | head -c 1024 >grubenv
tar --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=0644 "--mtime=@$SOURCE_DATE_EPOCH" \
	-cf grubenv.img grubenv
truncate -s "$size" grubenv.img
