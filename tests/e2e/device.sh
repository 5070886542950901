#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The device is described once: a change in one place of the reference project is followed by all that
# needs it, byte by byte in the card, device.json and the filled templates, or orch check refuses it.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
uboot=custom_build/uboot-raspberrypi400

mkdir "$scratch/good" "$scratch/small"
cp -R recipes rootfs custom_build tests "$scratch/good/"
(cd "$scratch/good" && "$orch" pki init >/dev/null) || { echo "not ok pki-init"; exit 1; }

# The same device and disk, with slots that hold the filled templates alone.
mkdir "$scratch/small/recipes"
cp -R rootfs custom_build "$scratch/small/"
cp recipes/project.yaml recipes/device.yaml recipes/install.yaml "$scratch/small/recipes/"
sed -i 's/^default:.*/default: [device, install, root]/' "$scratch/small/recipes/project.yaml"
cat >"$scratch/small/recipes/root.yaml" <<END
kind: image
filesystem: ext4
size: \${slots.root}
contents:
  - {template: rootfs/etc/rauc/system.conf, to: /etc/rauc/}
  - {template: rootfs/etc/fw_env.config, to: /etc/}
  - {template: $uboot/env.config, to: /}
  - {template: $uboot/boot.config, to: /}
  - {template: $uboot/boot.txt, to: /}
END
cat >"$scratch/small/recipes/boot.yaml" <<END
kind: image
filesystem: vfat
size: \${slots.boot}
contents: [{copy: $uboot/config.txt, to: /}]
END

# change NAME FILE SED-SCRIPT [FILE SED-SCRIPT]: copies of both projects with it: 'changed' and 'probe'.
change() {
	change_name=$1
	shift
	rm -rf "$scratch/changed" "$scratch/probe"
	cp -R "$scratch/good" "$scratch/changed"
	cp -R "$scratch/small" "$scratch/probe"
	while [ $# -gt 1 ]; do
		sed -i "$2" "$scratch/changed/$1" "$scratch/probe/$1"
		! cmp -s "$scratch/good/$1" "$scratch/changed/$1" || not_ok "$change_name: '$2' changes nothing in $1"
		shift 2
	done
}

# follows NAME FILE SED-SCRIPT...: accepted, and all places agree.
follows() {
	change "$@"
	code "$1-is-accepted" 0 "$orch" -C "$scratch/changed" check
	agrees "$1"
}
# agrees NAME: in the card and in the filled templates.
agrees() {
	code "$1-is-built" 0 "$orch" -C "$scratch/probe" build
	check "$1-is-followed" python3 tests/e2e/device-agrees.py "$scratch/probe/out"
}

# refused NAME TEXT FILE SED-SCRIPT...: orch check says so.
refused() {
	refused_text=$2 refused_name=$1
	shift 2
	change "$refused_name" "$@"
	code "$refused_name-is-refused" 2 "$orch" -C "$scratch/changed" check
	check "$refused_name-says-why" grep -qF -e "$refused_text" "$scratch/err"
}

project=recipes/project.yaml disk=recipes/install.yaml device=recipes/device.yaml
follows nothing "$project" '$a # a comment'
follows slot-size "$project" 's/root: 768M/root: 800M/'
follows boot-size "$project" 's/boot: 64M/boot: 96M/'
follows app-size "$project" 's/app: 256M/app: 128M/'
follows compatible "$project" 's/compatible: raspberrypi/compatible: edge-2/'
follows environment-offset "$disk" 's/at: 1M,/at: 1536K,/'
follows environment-size "$disk" 's/size: 32K/size: 64K/'
follows partition-order "$disk" '/name: root-a/{h;d};/name: root-b/{G}'
change partition-name "$disk" 's/name: root-a/name: system-a/' "$device" 's/A: root-a/A: system-a/'
agrees partition-name
follows boot-order "$device" 's/{A: root-a, B: root-b}/{B: root-b, A: root-a}/'
follows slots-exchanged "$device" 's/{A: root-a, B: root-b}/{A: root-b, B: root-a}/'
follows tries "$device" 's/tries: 3/tries: 5/'

# The scenarios' cards name partitions, too.
refused partition-name-in-scenarios "'install' has no 'root-a' in 'partitions'" \
	"$disk" 's/name: root-a/name: system-a/' "$device" 's/A: root-a/A: system-a/'
refused one-size-of-two "copies of the environment are not equal in size" "$disk" '0,/size: 32K/s//size: 64K/'
refused environment-in-a-partition "environment-reserved" "$device" \
	's/\[uboot-env, uboot-env-redundant\]/[app-a, app-b]/'
refused too-many-tries "counts at most 9 tries" "$device" 's/tries: 3/tries: 12/'
refused partition-name-of-a-slot "has no partition 'root-b'" "$disk" 's/name: root-b/name: other/'
refused boot-partition-second "is about the first partition" "$disk" '/name: boot/{h;d};/name: root-a/{G}'
refused state-not-last "partition 'data' cannot grow" "$disk" '/name: app-b/{h;d};/rootfs.1.partition/{G}'
refused state-partition "'install' has no 'data'" "$disk" 's/name: data/name: state/' "$device" \
	's/partition: data/partition: state/'
refused boot-name "has no fact 'A.number'" "$device" 's/{A: root-a/{one: root-a/'
refused paths "no udev rule of the image makes '/dev/card/" "$device" 's,/dev/system/{,/dev/card/{,'
refused disk-path "no udev rule of the image makes '/dev/card/disk'" "$device" 's,/dev/system/disk,/dev/card/disk,'
refused console-line "chosen-line" "$device" "s/chosen: .*/chosen: 'slot=([AB])'/"
refused boot-loader "it is about U-Boot" "$device" 's/type: uboot/type: barebox/'
refused type-of-the-state "growing-type" "$disk" 's/type: linux-generic/type: var/'
# without what is installed, which needs ext4
no_installed='s/, installed: {$/}/;/data-directory: /d;/rootfs.1.partition/d'
refused file-system-of-the-state "state-mounted" "$disk" "s/filesystem: ext4/filesystem: vfat/;$no_installed"
refused unit-name "did you mean 'prepare-data.service'?" \
	rootfs/etc/systemd/system/health-network.service 's/prepare-data.service/prepare-date.service/'
# What is promised to be kept can be changed, but not without a word; --against then says what is lost.
change state-path "$device" 's,/data/health:,/data/state:,'
code state-path-is-told 0 "$orch" -C "$scratch/changed" check
check state-path-says-why grep -q "'/data/state' is promised to outlive updates" "$scratch/err"
code release-is-kept 0 "$orch" -C "$scratch/good" build device
mkdir "$scratch/release"
cp "$scratch/good/out/device/device.json" "$scratch/good/pki/keyring.pem" "$scratch/release/"
code state-path-against-a-release 2 "$orch" -C "$scratch/changed" check --against "$scratch/release"
check the-lost-path-is-told grep -q /data/health "$scratch/err"
finish
