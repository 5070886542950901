#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch check on the reference project, and on copies of it with one mistake each: every rule must
# accept the one and refuse the other.
# timeout: 300
set -u
orch=${ORCH_ASAN:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ORCH_STORE="$work/store"

cp -R recipes rootfs custom_build "$work/"
mkdir "$work/good"
mv "$work/recipes" "$work/rootfs" "$work/custom_build" "$work/good/"
(cd "$work/good" && "$orch" pki init >/dev/null) || { echo "not ok pki-init"; exit 1; }

if (cd "$work/good" && "$orch" check) >"$work/out" 2>&1; then
	echo "ok reference-project"
else
	cat "$work/out"
	echo "not ok reference-project"
fi

# refused NAME MESSAGE COMMAND...: after COMMAND in a fresh copy, check must exit 2 and say MESSAGE.
refused() {
	name=$1 message=$2
	shift 2
	rm -rf "$work/bad"
	cp -R "$work/good" "$work/bad"
	if ! (cd "$work/bad" && "$@"); then
		echo "not ok $name (the mistake could not be made)"
		return
	fi
	if diff -r --no-dereference "$work/good" "$work/bad" >/dev/null; then
		echo "not ok $name (the mistake changed nothing)"
		return
	fi
	code=0
	(cd "$work/bad" && "$orch" check) >"$work/out" 2>&1 || code=$?
	if [ $code = 2 ] && grep -qF -e "$message" "$work/out"; then
		echo "ok $name"
	else
		echo "exit $code:"
		cat "$work/out"
		echo "not ok $name"
	fi
}

replace() { # FILE SED-SCRIPT
	sed -i "$2" "$1"
}

refused image-larger-than-slot 'is larger than its partition' \
	replace recipes/root.yaml 's/^size:.*/size: 8G/'
refused environment-in-free-space "lies in no 'reserved:' area" \
	replace rootfs/etc/fw_env.config 's/0x200000/0x280000/'
refused u-boot-looks-elsewhere 'but /etc/fw_env.config' \
	replace custom_build/uboot-raspberrypi400/env.config 's/^CONFIG_ENV_OFFSET=.*/CONFIG_ENV_OFFSET=0x180000/'
refused u-boot-other-size 'differs from CONFIG_ENV_SIZE' \
	replace custom_build/uboot-raspberrypi400/env.config 's/^CONFIG_ENV_SIZE=.*/CONFIG_ENV_SIZE=0x4000/'
refused one-environment 'is lost in a power cut' \
	replace rootfs/etc/fw_env.config '/0x200000/d'
refused region-of-another-size 'is not twice the first partition' \
	replace rootfs/etc/rauc/system.conf 's/^region-size=.*/region-size=96M/'
refused unknown-slot-device 'has no partition' \
	replace rootfs/etc/rauc/system.conf 's/root-b$/root-c/'
refused unknown-bootname 'never tries bootname' \
	replace rootfs/etc/rauc/system.conf 's/^bootname=B/bootname=Z/'
refused mmcblk-in-slots 'does not name one disk for ever' \
	replace rootfs/etc/rauc/system.conf 's#^device=/dev/system/root-a#device=/dev/mmcblk0p2#'
refused label-in-fstab 'does not name one disk for ever' \
	replace rootfs/etc/fstab 's#^/dev/system/data#LABEL=data#'
refused private-key-in-tree 'a private key would be in image' \
	cp pki/private/signer.key rootfs/etc/rauc/device.key
refused keyring-not-installed 'no image puts a keyring at' \
	replace rootfs/etc/rauc/system.conf 's#^path=.*#path=/etc/rauc/other.pem#'
refused other-compatible 'would refuse a bundle' \
	replace rootfs/etc/rauc/system.conf 's/^compatible=.*/compatible=other-board/'
refused unknown-slot-class 'no slot of class' \
	replace recipes/bundle.yaml 's/rootfs:/rootfilesystem:/'

foreign_keyring() {
	mkdir -p other/recipes && cp recipes/project.yaml other/recipes/ &&
		(cd other && "$orch" pki init >/dev/null) && cp other/pki/keyring.pem pki/keyring.pem &&
		rm -r other
}
refused foreign-keyring 'cannot verify' foreign_keyring
refused foreign-key 'does not belong to certificate' cp pki/private/root.key pki/private/signer.key
