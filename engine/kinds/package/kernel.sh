#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Linux as Debian packages, by its own bindeb-pkg; functions for package.sh.
# shellcheck disable=SC2154,SC2086 # variables of package_run.c; words of options

kernel_arch() {
	case ${arch:-$native} in
	amd64 | i386) echo x86 ;;
	armhf | armel) echo arm ;;
	loong64) echo loongarch ;;
	ppc64el) echo powerpc ;;
	riscv64) echo riscv ;;
	s390x) echo s390 ;;
	*) echo "${arch:-$native}" ;;
	esac
}

linux() { make -s -C build/src "-j$jobs" "ARCH=$karch" ${gnu:+"CROSS_COMPILE=$gnu-"} "$@"; }

# What the release, dates and names in the packages depend on.
kernel_environment() {
	KBUILD_BUILD_TIMESTAMP=$(date -u -d "@$SOURCE_DATE_EPOCH")
	export KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_USER=orch KBUILD_BUILD_HOST=orch KBUILD_BUILD_VERSION=1
	export DEBFULLNAME=orch DEBEMAIL=orch@localhost
	if [ -d /usr/lib/ccache ]; then PATH=/usr/lib/ccache:$PATH; fi
	sed -i 's/\$(date -R)/$(date -u -R -d "@$SOURCE_DATE_EPOCH")/' build/src/scripts/package/mkdebian
}

fragments() {
	configs | sed 1d | while IFS= read -r item; do
		if [ -d "$item" ]; then find "$item" -name '*.config' | sort; else echo "$item"; fi
	done
}

merge_config() {
	base=$(configs | head -n 1)
	if [ -f "$base" ]; then
		cp "$base" build/src/.config
		chmod u+w build/src/.config
	else
		linux "$base"
	fi
	fragments >build/fragments
	set --
	while IFS= read -r item; do set -- "$@" "$PWD/$item"; done <build/fragments
	if [ $# != 0 ]; then (cd build/src && sh scripts/kconfig/merge_config.sh -m .config "$@" >/dev/null); fi
	linux olddefconfig
}

# Each option of the fragments, as the last of them says, must be in the configuration.
check_config() {
	tr '\n' '\0' <build/fragments | xargs -0 -r awk '
		/^CONFIG_[A-Za-z0-9_]*=/ { n = index($0, "="); key = substr($0, 1, n - 1); value = substr($0, n + 1) }
		/^# CONFIG_[A-Za-z0-9_]* is not set/ { key = $2; value = "n" }
		key { want[key] = value; at[key] = FILENAME ":" FNR; key = "" }
		END { for (key in want) print at[key] "\t" key "\t" want[key] }' /dev/null |
		sort -t: -k1,1 -k2,2n |
		while IFS="$(printf '\t')" read -r at key want; do
			is=$(sed -n "s/^$key=//p" build/src/.config)
			[ "${is:-n}" = "$want" ] && continue
			if ! grep -rqE "^[[:space:]]*(menu)?config ${key#CONFIG_}\$" build/src --include='Kconfig*'; then
				why="this Linux has no such option"
			elif [ -n "$is" ]; then
				why="something else makes it $is"
			else
				why="something that it depends on is not set"
			fi
			echo "$at: $key=$want does not arrive: $why"
		done >build/missing
	[ ! -s build/missing ] || fail config "$(sed ':next; N; $!b next; s/\n/; /g' build/missing)"
}

# compile FILE OUTPUT: a device tree or overlay, with what it includes.
compile_tree() {
	dtc=build/src/scripts/dtc/dtc
	[ -x $dtc ] || dtc=dtc
	"${gnu:+$gnu-}gcc" -E -nostdinc -undef -D__DTS__ -x assembler-with-cpp -I build/src/include \
		-I "build/src/arch/$karch/boot/dts" -I "$(dirname -- "$1")" -o build/tree.dts "$1"
	$dtc -@ -q -I dts -O dtb -i "build/src/arch/$karch/boot/dts" -o "$2" build/tree.dts
}

compile_trees() {
	device_trees | while IFS= read -r item; do
		name=${item##*/}
		compile_tree "$item" "build/${name%.*}.dtb"
	done
	overlays | while IFS= read -r item; do
		name=${item##*/}
		compile_tree "$item" "build/${name%.*}.dtbo"
		mkdir -p "extra/usr/lib/linux-image-$release/overlays"
		cp "build/${name%.*}.dtbo" "extra/usr/lib/linux-image-$release/overlays/"
	done
}

build_modules() {
	modules | while IFS= read -r item; do
		name=build/module-${item##*/}
		cp -a "$item" "$name"
		chmod -R u+w "$name"
		linux "M=$PWD/$name" modules
		linux "M=$PWD/$name" "INSTALL_MOD_PATH=$PWD/extra" INSTALL_MOD_DIR=updates INSTALL_MOD_STRIP=1 \
			DEPMOD=true modules_install
	done
	find extra -name 'modules.*' -type f -delete
}

# Modules and overlays, as a package beside the kernel's.
pack_extra() {
	[ -n "$(modules)$(overlays)" ] || return 0
	mkdir -p extra/DEBIAN
	cat >extra/DEBIAN/control <<-CONTROL
		Package: linux-extra-$release
		Source: linux-extra
		Version: $version
		Architecture: ${arch:-$native}
		Depends: linux-image-$release, kmod
		Section: kernel
		Priority: optional
		Maintainer: orch <orch@localhost>
		Description: modules and overlays for Linux $release
		 What is built beside this kernel: modules in /lib/modules/$release/updates, overlays in
		 /usr/lib/linux-image-$release/overlays.
	CONTROL
	printf '#!/bin/sh\nset -e\ndepmod %s\n' "$release" >extra/DEBIAN/postinst
	chmod 755 extra/DEBIAN/postinst
	dpkg-deb --root-owner-group -Zxz -b extra build/ >/dev/null
}

build_kernel() {
	karch=$(kernel_arch)
	[ -f build/src/scripts/package/mkdebian ] || fail not-linux "'config' is for a Linux source, and this is none"
	kernel_environment
	merge_config
	check_config
	cp build/src/.config build/kernel.config
	version=$(linux kernelversion)-1
	linux "KDEB_PKGVERSION=$version" DPKG_FLAGS=-d bindeb-pkg
	release=$(cat build/src/include/config/kernel.release) # with CONFIG_LOCALVERSION, once it is built
	mkdir -p extra
	build_modules
	compile_trees
	pack_extra
}
