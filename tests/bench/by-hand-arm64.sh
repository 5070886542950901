#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What orch is compared with for the reference project: the same disk and update, made by a script from top to
# bottom with mmdebstrap, a cross compiler, mke2fs, mtools, sfdisk and rauc. It boots nothing, neither to
# build (the application is cross-compiled) nor to test. Run as root where an emulator runs arm64's programs:
#
#	sh tests/e2e/real-dpkg-foreign-lib.sh EMULATOR tests/bench/by-hand-arm64.sh all PROJECT WORK
#
# all      from the packages in WORK/system.repo and WORK/toolchain.repo and U-Boot's source in WORK/source on
# package  after one package more in system.repo: the toolchain and what was compiled stay
#
# PROJECT is a copy of the reference project in which the templates are filled.
set -euo pipefail
step=$1 project=$2 work=$3
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

tree() { # NAME ARCHITECTURE: a root tree of all packages in its repository
	rm -rf "${work:?}/$1"
	INITRD=No mmdebstrap --quiet --mode=root --format=directory --variant=custom --architectures="$2" \
		--skip=check/qemu --include="$(cat "$work/$1.repo/names")" \
		--aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
		trixie "$work/$1" "deb [trusted=yes] copy://$work/$1.repo ./"
}

compiled() { # in the toolchain: u-boot.bin, boot.scr and both packages, to WORK/out
	local tools=$work/toolchain patch
	mkdir -p "$tools/usr/src/u-boot" "$tools/cross" "$tools/out"
	tar -xf "$work"/source/*.orig.tar.bz2 -C "$tools/usr/src/u-boot" --strip-components=1
	tar -xf "$work"/source/*.debian.tar.xz -C "$tools/usr/src/u-boot"
	while read -r patch _; do
		patch -s -p1 -d "$tools/usr/src/u-boot" <"$tools/usr/src/u-boot/debian/patches/$patch"
	done < <(grep -v '^#' "$tools/usr/src/u-boot/debian/patches/series")
	cp -R "$project/custom_build" "$tools/"
	ln -s /usr/bin/aarch64-linux-gnu-gcc "$tools/cross/cc"
	ln -s /usr/bin/aarch64-linux-gnu-strip "$tools/cross/strip"
	chroot "$tools" sh -c 'cd /out && sh /custom_build/uboot-raspberrypi400/build.sh rpi_arm64_defconfig /custom_build/uboot-raspberrypi400 &&
		sh /custom_build/uboot-raspberrypi400/package.sh u-boot.bin'
	chroot "$tools" env PATH="/cross:$PATH" sh /custom_build/app/build.sh /out
	rm -rf "$work/out"
	mkdir "$work/out"
	cp "$tools"/out/*.deb "$tools"/out/u-boot.bin "$tools"/out/boot.scr "$work/out/"
}

initramfs() {
	mkdir "$work/system/build"
	cp -R "$project/custom_build/initramfs" "$work/system/build/"
	chroot "$work/system" sh -c 'cd /build && sh initramfs/build.sh'
	mv "$work/system/build/initrd.img" "$work/system/boot/"
	rm -r "$work/system/build"
}

# As the project's recipes device-trees, fit and system have it.
system() {
	local tools=$work/toolchain boot=$work/system/boot tree
	mkdir -p "$work/system/data"
	gzip -9 -n -c "$boot"/vmlinuz-* >"$tools/out/vmlinuz.gz"
	mv "$boot/initrd.img" "$tools/out/"
	cp "$project/custom_build/fit/slot.its" "$tools/out/"
	cp "$work"/system/usr/lib/linux-image-*/broadcom/bcm2711-rpi-{4-b,400}.dtb "$tools/out/"
	chroot "$tools" sh -c 'cd /out && mkimage -E -B 8 -f slot.its slot.itb'
	mv "$tools/out/slot.itb" "$boot/"
	for tree in bcm2711-rpi-4-b.dtb bcm2711-rpi-400.dtb; do
		# shellcheck disable=SC2016 # for the shell inside
		chroot "$tools" sh -euc 'cd /out
			fdtput -t s "$1" /aliases mmc0 "$(fdtget -t s "$1" /__symbols__ emmc2)"
			fdtput -t s "$1" /aliases mmc1 "$(fdtget -t s "$1" /__symbols__ sdhci)"
			fdtput -t s "$1" "$(fdtget -t s "$1" /__symbols__ pm)" u-boot,autostart yes' sh $tree
		cp "$tools/out/$tree" "$work/out/"
	done
	cp "$work"/out/*.deb "$work/system/"
	chroot "$work/system" sh -c 'dpkg --force-unsafe-io --install /*.deb && rm /*.deb'
}

images() {
	local root=$work/system
	rm -f "$work/root.img" "$work/boot.img"
	mkfs.vfat -C -n BOOT "$work/boot.img" 65536 >/dev/null
	mcopy -i "$work/boot.img" "$project/custom_build/uboot-raspberrypi400/config.txt" \
		"$work/out/u-boot.bin" "$work/out/boot.scr" "$work"/out/*.dtb \
		"$root/usr/lib/raspi-firmware/start4.elf" "$root/usr/lib/raspi-firmware/fixup4.dat" ::
	cp -R --no-preserve=ownership "$project/rootfs/." "$root/"
	cp "$project/pki/keyring.pem" "$root/etc/rauc/"
	systemctl --root="$root" enable app.target rauc-mark-good.service prepare-data.service systemd-networkd.service
	rm -rf "$root"/etc/ssh/ssh_host_* "$root"/boot/efi/* "$root"/boot/firmware/* "$root"/boot/{System.map,vmlinuz}-* \
		"$root"/initrd.img* "$root"/vmlinuz* "$root"/usr/lib/linux-image-* "$root/usr/lib/raspi-firmware" \
		"$root"/usr/share/doc/*/changelog* "$root"/usr/share/{info,lintian,man} "$root"/usr/share/locale/*
	mke2fs -q -t ext4 -d "$root" -L root "$work/root.img" 768M
}

disk() {
	rm -f "$work/install.img" "$work/data.img"
	truncate -s 2693M "$work/install.img"
	sfdisk -q "$work/install.img" <<-'END'
		label: gpt
		first-lba: 8192
		start=4M, size=128M, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=boot
		size=768M, type=B921B045-1DF0-41C3-AF44-4C6F280D3FAE, name=root-a
		size=768M, type=B921B045-1DF0-41C3-AF44-4C6F280D3FAE, name=root-b
		size=256M, type=3B8F8425-20E0-4F3B-907F-1A25A76F98E8, name=app-a
		size=256M, type=3B8F8425-20E0-4F3B-907F-1A25A76F98E8, name=app-b
		size=512M, name=data
	END
	mke2fs -q -t ext4 "$work/data.img" 512M
	dd if="$work/boot.img" of="$work/install.img" bs=1M seek=4 conv=notrunc,sparse status=none
	dd if="$work/root.img" of="$work/install.img" bs=1M seek=132 conv=notrunc,sparse status=none
	dd if="$work/root.img" of="$work/install.img" bs=1M seek=900 conv=notrunc,sparse status=none
	dd if="$work/data.img" of="$work/install.img" bs=1M seek=2180 conv=notrunc,sparse status=none
}

bundle() {
	rm -rf "$work/content" "$work/bundle.raucb"
	mkdir "$work/content"
	cp "$project/custom_build/bundle/hook" "$work/content/"
	ln "$work/root.img" "$work/content/rootfs.ext4"
	ln "$work/boot.img" "$work/content/bootloader.vfat"
	cat >"$work/content/manifest.raucm" <<-'END'
		[update]
		compatible=raspberrypi
		version=1
		[bundle]
		format=verity
		[hooks]
		filename=hook
		[image.rootfs]
		filename=rootfs.ext4
		[image.bootloader]
		filename=bootloader.vfat
		hooks=post-install
	END
	# The first certificate is the signer's, those after it lead to the keyring's.
	awk '/BEGIN CERT/ { n++ } n > 1' "$project/pki/signer.pem" >"$work/intermediate.pem"
	rauc bundle --cert="$project/pki/signer.pem" --key="$project/pki/private/signer.key" \
		--intermediate="$work/intermediate.pem" --keyring="$project/pki/keyring.pem" \
		"$work/content" "$work/bundle.raucb"
}

if [ "$step" = all ]; then
	tree toolchain amd64
	compiled
fi
tree system arm64
initramfs
system
images
disk
bundle
sync -f "$work"
