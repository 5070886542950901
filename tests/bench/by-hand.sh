#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What orch is compared with: the same update, made by a script from top to bottom with mmdebstrap, mke2fs,
# mtools, sfdisk and rauc; run as root.
#
#	by-hand.sh all PROJECT WORK	from the packages in WORK/base.repo and WORK/tools.repo
#	by-hand.sh edit PROJECT WORK	after an edit below rootfs/: from the tree on
set -euo pipefail
step=$1 project=$2 work=$3

tree() { # NAME: a root tree of all packages in its repository
	rm -rf "${work:?}/$1"
	mmdebstrap --quiet --mode=root --format=directory --variant=custom \
		--include="$(cat "$work/$1.repo/names")" --aptopt='APT::Install-Recommends "false"' \
		--dpkgopt=force-unsafe-io \
		trixie "$work/$1" "deb [trusted=yes] copy://$work/$1.repo ./"
}

application() {
	cp "$project/app.c" "$work/tools/app.c"
	chroot "$work/tools" gcc -O2 -o /app /app.c
	install -m 755 "$work/tools/app" "$work/base/usr/bin/app"
}

images() {
	cp -R --no-preserve=ownership "$project/rootfs/." "$work/base/"
	rm -f "$work/root.img" "$work/boot.img"
	mke2fs -q -t ext4 -d "$work/base" -L root "$work/root.img" 768M
	mkfs.vfat -C -n BOOT "$work/boot.img" 65536 >/dev/null
	mcopy -i "$work/boot.img" "$project/boot.txt" ::
}

disk() {
	rm -f "$work/install.img"
	truncate -s 2G "$work/install.img"
	sfdisk -q "$work/install.img" <<-'END'
		label: gpt
		start=4M, size=128M, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=boot
		size=768M, name=root-a
		size=768M, name=root-b
		name=data
	END
	dd if="$work/boot.img" of="$work/install.img" bs=1M seek=4 conv=notrunc,sparse status=none
	dd if="$work/root.img" of="$work/install.img" bs=1M seek=132 conv=notrunc,sparse status=none
	dd if="$work/root.img" of="$work/install.img" bs=1M seek=900 conv=notrunc,sparse status=none
}

bundle() {
	rm -rf "$work/content" "$work/bundle.raucb"
	mkdir "$work/content"
	ln "$work/root.img" "$work/content/rootfs.ext4"
	ln "$work/boot.img" "$work/content/bootloader.vfat"
	cat >"$work/content/manifest.raucm" <<-'END'
		[update]
		compatible=bench
		version=1
		[bundle]
		format=verity
		[image.rootfs]
		filename=rootfs.ext4
		[image.bootloader]
		filename=bootloader.vfat
	END
	rauc bundle --cert="$work/cert.pem" --key="$work/key.pem" --keyring="$work/cert.pem" \
		"$work/content" "$work/bundle.raucb" >/dev/null 2>&1
}

if [ "$step" = all ]; then
	tree base
	tree tools
	application
fi
images
disk
bundle
sync -f "$work"
