#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds U-Boot (u-boot.bin) from the Debian source in /usr/src/u-boot.
#
#   build.sh DEFCONFIG DIRECTORY
#
# DEFCONFIG is U-Boot's for the board. DIRECTORY has board.config, the board's part of the configuration,
# and may have board.txt, commands ahead of the boot command. SAVED names more variables that are taken
# from the card, FLAGS options for the compiler.
#
# Runs in the toolchain tree; results appear in the current directory.
set -eu

defconfig=$1 board=$2
here=$(cd "$(dirname "$0")" && pwd)
src=/usr/src/u-boot
build=$PWD/build
export ARCH=arm CROSS_COMPILE=aarch64-linux-gnu- KBUILD_BUILD_USER=build KBUILD_BUILD_HOST=build

# The variables that boot.scr, RAUC and fw_setenv share. They are the only ones
# that survive in the environment on the card; "w" is what lets them in.
saved=BOOT_ORDER:sw
bootnames="{{device#bootnames}}"
for name in $bootnames; do saved=$saved,BOOT_${name}_LEFT:xw; done
saved=$saved${SAVED:+,$SAVED}

mkdir "$build"
make -s -C "$src" O="$build" "$defconfig"
for fragment in "$here/env.config" "$here/boot.config" "$board/board.config"; do
	"$src/scripts/kconfig/merge_config.sh" -O "$build" -m "$build/.config" "$fragment" >/dev/null
done
make -s -C "$src" O="$build" olddefconfig

# Kconfig drops what it does not know or cannot satisfy, without a word.
for fragment in "$here/env.config" "$here/boot.config" "$board/board.config"; do
	grep -E '^(CONFIG_|# CONFIG_)' "$fragment" | while IFS= read -r line; do
		case $line in
		'# '*) name=${line#\# }; ! grep -q "^${name%% *}=" "$build/.config" ;;
		*) grep -qxF -- "$line" "$build/.config" ;;
		esac || { echo "build.sh: $fragment: not in effect: $line" >&2; exit 1; }
	done
done

# What comes ahead of the boot command, on one line.
first=
for commands in "$here/repair.txt" "$board/board.txt"; do
	[ ! -f "$commands" ] || first="$first$(grep -v '^#' "$commands" | tr '\n' ' ')"
done
first=$(printf '%s' "$first" | sed 's/[&\\|]/\\&/g')
sed -i "s|^CONFIG_BOOTCOMMAND=\"|&$first|" "$build/.config"

make -s -C "$src" O="$build" -j"$(nproc)" \
	KCFLAGS="${FLAGS:-} -DCFG_ENV_FLAGS_LIST_STATIC='\"$saved\"'" u-boot.bin
cp "$build/u-boot.bin" .
