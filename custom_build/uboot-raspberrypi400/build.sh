#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds U-Boot (u-boot.bin) from the Debian source in /usr/src/u-boot.
#
#   build.sh rpi     the product
#   build.sh virt    the emulated board
#
# Runs in the toolchain tree; results appear in the current folder.
set -eu

board=$1
here=$(cd "$(dirname "$0")" && pwd)
src=/usr/src/u-boot
out=$PWD
build=$out/build-$board
export ARCH=arm CROSS_COMPILE=aarch64-linux-gnu- KBUILD_BUILD_USER=build KBUILD_BUILD_HOST=build

# The variables that boot.scr, RAUC and fw_setenv share. They are the only ones
# that survive in the environment on the card; "w" is what lets them in.
saved=BOOT_ORDER:sw,BOOT_A_LEFT:xw,BOOT_B_LEFT:xw,BOOT_ROUND:xw
flags=

case $board in
rpi)
	defconfig=rpi_arm64_defconfig ;;
virt)
	defconfig=qemu_arm64_defconfig
	# Tests may add kernel arguments; the product's U-Boot takes none.
	saved=$saved,extraargs:sw
	# The card is on the PCI bus, so scan that before loading the environment.
	flags=-DCONFIG_SYS_EARLY_PCI_INIT ;;
*)
	echo "build.sh: unknown board '$board': rpi or virt" >&2
	exit 2 ;;
esac

mkdir -p "$build"
make -s -C "$src" O="$build" "$defconfig"
for f in env boot "board-$board"; do
	"$src/scripts/kconfig/merge_config.sh" -O "$build" -m "$build/.config" "$here/$f.config" >/dev/null
done
make -s -C "$src" O="$build" olddefconfig

# Kconfig drops what it does not know or cannot satisfy, without a word.
for f in env boot "board-$board"; do
	grep -E '^(CONFIG_|# CONFIG_)' "$here/$f.config" | while IFS= read -r line; do
		case $line in
		'# '*) name=${line#\# }; ! grep -q "^${name%% *}=" "$build/.config" ;;
		*) grep -qxF -- "$line" "$build/.config" ;;
		esac || { echo "build.sh: $f.config: not in effect: $line" >&2; exit 1; }
	done
done

# What comes ahead of the boot command, on one line.
first=
for f in repair "board-$board"; do
	[ ! -f "$here/$f.txt" ] || first="$first$(grep -v '^#' "$here/$f.txt" | tr '\n' ' ')"
done
first=$(printf '%s' "$first" | sed 's/[&\\|]/\\&/g')
sed -i "s|^CONFIG_BOOTCOMMAND=\"|&$first|" "$build/.config"

make -s -C "$src" O="$build" -j"$(nproc)" \
	KCFLAGS="$flags -DCFG_ENV_FLAGS_LIST_STATIC='\"$saved\"'" u-boot.bin
cp "$build/u-boot.bin" "$out/u-boot.bin"
