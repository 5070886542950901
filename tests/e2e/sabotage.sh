#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Do the scenarios notice? Copies of the reference project with one mistake each, such that the device
# could be bricked or fooled; the scenario that is there for it must fail, at the step named here.
# packages
. tests/e2e/lib.sh

if [ ! -f pki/private/signer.key ]; then "$ORCH" pki init >/dev/null; fi
code "the scenarios' project is built" 0 "$ORCH" build install bundle tests/u-boot-virt

# copy: the project, in $p
copy() {
	rm -rf "$scratch/p"
	p=$scratch/p
	mkdir "$p"
	cp -R recipes rootfs custom_build tests pki "$p/"
}

# ignore RULE: 'orch check' would not let this mistake get as far as a board.
ignore() {
	printf 'check: {ignore: [{rule: %s, node: root, why: the mistake of this test, until: 2099-12-31}]}\n' \
		"$1" >>"$p/recipes/project.yaml"
}

# notices SCENARIO WHERE TEXT: it fails, in that file and saying that, and for no other reason.
notices() {
	notices_code=0
	"$ORCH" -C "$p" build "tests/$1" >"$scratch/out" 2>"$scratch/err" || notices_code=$?
	if [ "$notices_code" = 1 ] && grep -qE "^recipes/tests/$2\.yaml:.*($3)" "$scratch/err"; then
		ok "$name: $(grep -E "^recipes/tests/$2\.yaml:" "$scratch/err" | head -n 1)"
	else
		echo "  tests/$1: exit $notices_code, expected 1 from tests/$2 and '$3'"
		tail -n 30 "$scratch/err" | sed 's/^/  /'
		not_ok "$name"
	fi
}

# script SED: another boot script in the boot slot; U-Boot and the system stay as they are.
script() {
	mkdir "$p/custom_build/other"
	sed "$1" "$p/custom_build/uboot-raspberrypi400/boot.txt" >"$p/custom_build/other/boot.txt"
	! cmp -s "$p/custom_build/other/boot.txt" "$p/custom_build/uboot-raspberrypi400/boot.txt" ||
		not_ok "$name: the script was not changed"
	cat >"$p/recipes/script.yaml" <<-'END'
		kind: run
		root: toolchain
		inputs: [{template: custom_build/other/boot.txt}]
		run: ["mkimage -A arm64 -O linux -T script -C none -n boot.scr -d custom_build/other/boot.txt boot.scr"]
		outputs: [boot.scr]
	END
	sed -i 's|"boot-script:boot.scr"|"script:boot.scr"|' "$p/recipes/boot.yaml"
}

name="a try is not counted"
copy
script '/setexpr BOOT_[AB]_LEFT/d'
notices boot-choice boot-choice 'boot-choice'

name="BOOT_ORDER is ignored"
copy
script 's/for bootname in ..BOOT_ORDER.;/for bootname in A B;/'
notices boot-choice boot-choice 'boot-choice'

name="the mark does not wait for the application"
copy
sed -i '/^Requires=/d; /^After=.*target/d' \
	"$p/rootfs/etc/systemd/system/rauc-mark-good.service"
ignore mark-good
notices broken-app broken-app 'slot|marked slot'

name="the environment is looked for elsewhere"
copy
printf '/dev/system/disk 0x180000 0x8000\n/dev/system/disk 0x280000 0x8000\n' \
	>"$p/rootfs/etc/fw_env.config"
notices first-boot first-boot 'environment|marked slot|rauc'

name="the first usable block lies before the environment"
copy
cat >"$p/recipes/early.yaml" <<'END'
kind: run
root: host
inputs: [install]
run:
  - |
    cp --sparse=always install install.img
    chmod u+w install.img
    PATH=$PATH:/usr/sbin:/sbin
    sfdisk --dump install.img | sed 's/^first-lba: .*/first-lba: 2048/' | sfdisk --quiet --no-reread install.img
tools: [sfdisk]
outputs: [install.img]
END
sed -i 's/^card: install$/card: early/' "$p/recipes/tests/first-boot.yaml"
notices first-boot first-boot 'first usable block'

name="the keyring is another CA's"
copy
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$scratch/key" -subj /CN=other \
	-days 3650 -out "$p/custom_build/other.pem" 2>/dev/null
sed -i 's|copy: "pki:keyring.pem"|copy: custom_build/other.pem|' "$p/recipes/root.yaml"
ignore keyring-of-signer
notices refused refused 'the one that ships'

name="the keyring that ships has one CA"
copy
openssl x509 -in "$p/pki/keyring.pem" -out "$p/custom_build/one.pem"
sed -i 's|copy: "pki:keyring.pem"|copy: custom_build/one.pem|' "$p/recipes/root.yaml"
notices second-ca second-ca 'install tests/bundle-rollover'

name="U-Boot does not start the watchdog"
copy
sed -i '/^mw/d' "$p/tests/u-boot-virt/board.txt"
notices hang-early hang-early 'slot A'

finish
