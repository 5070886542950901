#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Kind package on a Linux source of the archive: fragments that arrive and such that do not, a module, an overlay,
# cross-compiled for arm64.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$p/src/config" "$p/src/relay"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
archives:
  debian: {suites: [trixie], components: [main]}
END
cat >"$p/recipes/tools.yaml" <<'END'
kind: debian
packages: [build-essential, crossbuild-essential-arm64, debhelper, bc, bison, flex, libssl-dev, libelf-dev,
  libdw-dev, rsync, kmod, cpio, xz-utils, device-tree-compiler, python3, linux-source-6.12]
END
# kernel NAME CONFIG [LINE...]
kernel() {
	kernel_name=$1
	printf 'kind: package\nroot: tools\nsource: "tools:/usr/src/linux-source-6.12.tar.xz"\narch: arm64\nconfig: [%s]\ncpus: 2\n' \
		"$2" >"$p/recipes/$kernel_name.yaml"
	shift 2
	printf '%s\n' "$@" >>"$p/recipes/$kernel_name.yaml"
}
# shellcheck disable=SC2317 # called by check
o() { "$orch" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err"; }
says() { check "$1" grep -q -F -e "$2" "$scratch/err"; }
cat >"$p/src/config/a.config" <<'END'
CONFIG_LOCALVERSION="-edge"
# CONFIG_LOCALVERSION_AUTO is not set
CONFIG_MODULES=y
CONFIG_PRINTK=y
CONFIG_SWAP=y
END
echo '# CONFIG_SWAP is not set' >"$p/src/config/b.config"
printf '# what the board needs\nCONFIG_PRINTK=y\nCONFIG_NO_SUCH_OPTION=y\nCONFIG_SQUASHFS=y\n' >"$p/src/bad.config"
echo 'obj-m := relay.o' >"$p/src/relay/Makefile"
cat >"$p/src/relay/relay.c" <<'END'
#include <linux/module.h>
static int __init relay_init(void) { pr_info("relay\n"); return 0; }
static void __exit relay_exit(void) { }
module_init(relay_init);
module_exit(relay_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("relay");
END
cat >"$p/src/relay.dtso" <<'END'
/dts-v1/;
/plugin/;
#include <dt-bindings/gpio/gpio.h>
&{/} {
	relay {
		compatible = "acme,relay";
		active = <GPIO_ACTIVE_LOW>;
	};
};
END
kernel good 'tinyconfig, src/config' 'modules: [src/relay]' 'overlays: [src/relay.dtso]' \
	'outputs: [linux-image.deb, linux-extra.deb, relay.dtbo, kernel.config]'
kernel bad 'tinyconfig, src/bad.config' 'outputs: [linux-image.deb]'
check "lock" o lock tools

echo "# options that do not arrive"
code "exit 2" 2 o build bad
says "an option that Linux does not have" "src/bad.config:3: CONFIG_NO_SUCH_OPTION=y does not arrive: this Linux has no such option"
says "an option without what it depends on" "src/bad.config:4: CONFIG_SQUASHFS=y does not arrive: something that it depends on is not set"

echo "# a kernel"
check "build" o build good
out=$p/out/good
release=$(dpkg-deb -f "$out/linux-image.deb" Package)
release=${release#linux-image-}
check "its release" sh -c 'case $1 in 6.12.*-edge) ;; *) exit 1 ;; esac' sh "$release"
same "its architecture" arm64 "$(dpkg-deb -f "$out/linux-image.deb" Architecture)"
lacks "what a later fragment says" '^CONFIG_SWAP=y' "$out/kernel.config"
check "the configuration that ships" sh -c 'dpkg-deb --fsys-tarfile "$1" | tar -xO "./boot/config-$2" | cmp - "$3"' sh \
	"$out/linux-image.deb" "$release" "$out/kernel.config"
in_extra() { dpkg-deb -c "$out/linux-extra.deb" | grep -q -F -e "$1"; }
check "a module" in_extra "/lib/modules/$release/updates/relay.ko"
check "an overlay" in_extra "/usr/lib/linux-image-$release/overlays/relay.dtbo"
check "an overlay by itself" sh -c 'dtc -q -I dtb -O dts "$1" | grep -q "acme,relay"' sh "$out/relay.dtbo"
check "the module is of this kernel" sh -c \
	'dpkg-deb --fsys-tarfile "$1" | tar -xO "./lib/modules/$2/updates/relay.ko" | grep -qa "vermagic=$2 "' sh \
	"$out/linux-extra.deb" "$release"
finish
