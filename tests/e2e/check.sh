#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch check accepts the reference project and refuses copies of it with one mistake each:
# tests/must-fail/RULE.sh, or RULE--WHAT.sh, makes the mistake in the current directory; its line
# '# says: TEXT' is what check must say of it, in the name of that rule. Every rule has one. With a line
# '# template: NAME' the copy is of a project that 'orch init' made.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
work=$scratch
export ORCH_STORE="$work/store"

mkdir "$work/good"
cp -R recipes rootfs custom_build tests "$work/good/"
(cd "$work/good/tests" && rm -r bench e2e fuzz must-fail recipes should-fail unit) # no node's inputs
(cd "$work/good" && "$orch" pki init >/dev/null) || { echo "not ok pki-init"; exit 1; }
code reference-project 0 "$orch" -C "$work/good" check
same says-what-it-could-not-look-at 4 "$(grep -c "note: .*until node 'system' is built" "$scratch/err")"
cp -R "$work/good" "$work/older"
rm "$work/older/pki/rollover-signer.pem" "$work/older/pki/private/rollover-signer.key" \
	"$work/older/pki/private/rollover-intermediate.key"
code keys-that-only-a-test-needs 0 "$orch" -C "$work/older" check
check notes-what-is-missing grep -q "^note: recipes/tests/pki-rollover.yaml.*orch pki init" "$scratch/err"

cp -R "$work/good" "$work/into"
sed -i 's#to: /etc/rauc/keyring.pem#to: /etc/rauc/#' "$work/into/recipes/root.yaml"
code keyring-that-goes-into-a-directory 0 "$orch" -C "$work/into" check

code other-boot-loader 0 "$orch" init --template ab-efi --name gateway "$work/ab-efi"
printf 'check: {ignore: [{rule: unlocked-package, why: "what has no lock yet"}]}\n' \
	>>"$work/ab-efi/recipes/project.yaml"
(cd "$work/ab-efi" && "$orch" pki init >/dev/null)
code its-template 0 "$orch" -C "$work/ab-efi" check
lacks its-script-is-looked-at 'boot-counter' "$scratch/err"

code boot-loader-of-its-own 0 "$orch" init --template ab-tryboot --name gateway "$work/ab-tryboot"
printf 'check: {ignore: [{rule: unlocked-package, why: "what has no lock yet"}]}\n' \
	>>"$work/ab-tryboot/recipes/project.yaml"
(cd "$work/ab-tryboot" && "$orch" pki init >/dev/null)
code its-backend 0 "$orch" -C "$work/ab-tryboot" check
lacks a-table-without-a-backup "kernel argument 'gpt'" "$scratch/err"

# Of drop-ins that have one name the nearest counts, and all are read in the order of their names.
cp -R "$work/good" "$work/emergency"
(
	cd "$work/emergency/rootfs/etc/systemd/system" &&
		printf '[Unit]\nSuccessAction=reboot-force\n[Service]\nExecStart=\nExecStart=/bin/sleep 10\n' \
			>emergency.service.d/edge-device.conf &&
		mkdir service.d rauc-mark-good.service.d rauc-.service.d rauc-mark-.service.d &&
		printf '[Service]\nExecStart=/usr/sbin/sulogin\n' >emergency.service.d/00-first.conf &&
		printf '[Unit]\nConditionPathExists=/none\n' >service.d/when.conf &&
		printf '[Unit]\nConditionPathExists=\n' >service.d/when-not.conf &&
		cp service.d/when.conf rauc-.service.d/never.conf &&
		: >rauc-mark-.service.d/never.conf
)
code commands-that-are-taken-back 0 "$orch" -C "$work/emergency" check
(cd "$work/emergency/rootfs/etc/systemd/system" && rm -r emergency.service.d && ln -s reboot.target emergency.target)
code a-target-that-reboots 0 "$orch" -C "$work/emergency" check

# RAUC's own unit, of a package, waits for what drop-ins of the project name.
cp -R "$work/good" "$work/drop-in"
(
	cd "$work/drop-in/rootfs/etc/systemd/system" && rm rauc-mark-good.service && mkdir rauc-mark-good.service.d &&
		printf '[Unit]\nRequires=app.target boot-complete.target\nAfter=app.target boot-complete.target\n' \
			>rauc-mark-good.service.d/wait.conf
)
code a-drop-in-of-a-package 0 "$orch" -C "$work/drop-in" check
lacks waits-for-the-application 'mark-good' "$scratch/err"
# A unit that is enabled has the names of its Alias=, too.
cp -R "$work/good" "$work/alias"
(
	cd "$work/alias/rootfs/etc/systemd/system" && echo 'Alias=health-networks.service' >>health-network.service &&
		sed -i '/^\[Unit\]/a After=health-networks.service' app.service
)
code an-alias-of-a-unit 0 "$orch" -C "$work/alias" check
lacks the-alias-is-known "health-networks" "$scratch/err"

# GRUB's language has more than one way to say it.
cp -R "$work/ab-efi" "$work/grub"
sed -i 's/ gpt systemd/ \\\n\t\tgpt systemd/
	s/^set root=$disk.*/search -n -s root -l $name\nif [ "$grub_platform" != efi ]; then reboot; fi/
	s/^echo "BOOT: slot $slot order.*/echo -n -e "BOOT: "\necho "slot $slot order $ORDER"\necho "It is loaded."/
	s/^if \[ "$slot" = A \]; then$/function names_A {/
	/^function names_A/,/^fi$/ { s/^else$/}\nfunction names_B {/; s/^fi$/}\neval "names_$slot"/ }' "$work/grub/custom_build/grub/grub.cfg"
sed -i 's/^\(.*\) echo eval reboot sleep$/\1 $more/; 1a more=$(for m in echo eval reboot sleep,search; do echo "$m"; done)' \
	"$work/grub/custom_build/grub/build.sh"
same so-many-lines 12 "$(diff "$work/ab-efi/custom_build/grub/grub.cfg" "$work/grub/custom_build/grub/grub.cfg" | grep -c '^>')"
code grub-in-other-words 0 "$orch" -C "$work/grub" check
lacks nothing-is-said-of-it 'custom_build/grub' "$scratch/err"
sed -i 's/^search -n .*/&\nif [ "$slot" = B ]; then nativedisk; fi/' "$work/grub/custom_build/grub/grub.cfg"
code a-word-that-only-b-meets 0 "$orch" -C "$work/grub" check
same is-told-once 1 "$(grep -c "^note: .*; 'nativedisk' is not known here" "$scratch/err")"

# A file that no image has may be put there by somebody, who then knows what GRUB does.
cp -R "$work/ab-efi" "$work/service"
sed -i '1,/^regexp/s/^regexp.*/&\nif [ -e \/service ]; then exit; fi/' "$work/service/custom_build/grub/grub.cfg"
check it-asks-for-a-file grep -qF 'if [ -e /service ]' "$work/service/custom_build/grub/grub.cfg"
code a-file-that-no-image-has 0 "$orch" -C "$work/service" check
lacks nothing-is-said-of-that-file 'grub.cfg' "$scratch/err"
sed -i 's,^  - .copy: "grub:.*,&\n  - {copy: custom_build/grub/grub.cfg\, to: /service},' "$work/service/recipes/boot.yaml"
check the-image-has-it grep -q 'to: /service' "$work/service/recipes/boot.yaml"
code a-file-that-the-image-has 2 "$orch" -C "$work/service" check

# What a file that nobody reads says is not what the kernel is told.
cp -R "$work/good" "$work/unread"
mkdir -p "$work/unread/rootfs/boot/extlinux" "$work/unread/rootfs/loader/entries"
printf 'label a\nappend single\n' >"$work/unread/rootfs/boot/extlinux/extlinux.conf"
echo single >"$work/unread/rootfs/boot/cmdline.txt"
echo >"$work/unread/rootfs/boot/config.txt"
echo 'options single' >"$work/unread/rootfs/loader/entries/a.conf"
"$orch" -C "$work/unread" check >"$work/out" 2>&1
lacks told-by-the-script "'single'" "$work/out"
mkdir -p "$work/pc/recipes"
printf 'schema: 1\nname: pc\nversion: "1"\n' >"$work/pc/recipes/project.yaml"
printf '%s\n' 'kind: image' 'size: 64M' 'table: gpt' 'bootloader: systemd-boot' 'cmdline: root=LABEL=system quiet' 'partitions:' \
	'  - {name: esp, type: esp, size: 16M, filesystem: vfat, mount: /efi}' \
	'  - {name: root, type: linux-generic, size: 32M, filesystem: ext4, mount: /}' >"$work/pc/recipes/pc.yaml"
code told-by-an-image 2 "$orch" -C "$work/pc" check
check names-its-line grep -q "^recipes/pc.yaml:5:.*does not name one slot for ever" "$scratch/err"
lacks without-slots-nothing-is-asked-for 'kernel-arguments' "$scratch/err"

# What is put in when it is built is not judged before.
cp -R "$work/good" "$work/waits"
printf '%s\n' 'edge-{{device:device.json}}' >"$work/waits/rootfs/etc/hostname"
printf '%s\n' '{{device:device.json}}' >>"$work/waits/rootfs/etc/ssh/authorized_keys"
sed -i 's,^  - .template: rootfs/etc/fw_env.*,&\n  - {template: rootfs/etc/hostname\, to: /etc/}\
  - {template: rootfs/etc/ssh/authorized_keys\, to: /etc/ssh/},' "$work/waits/recipes/root.yaml"
code texts-that-wait-for-an-output 0 "$orch" -C "$work/waits" check

# For the cases: replace FILE SED-SCRIPT, which must change something
replace() {
	cp "$1" "$at/before"
	sed -i "$2" "$1"
	! cmp -s "$at/before" "$1" || echo "'$2' changes nothing in $1" >>"$at/unmade"
}
# in_guest: the boot script is made in a guest
in_guest() {
	replace recipes/boot-script.yaml 's/^kind: run/kind: vm/; s/^root: toolchain/from: build/; /^outputs:/d'
	printf '%s\n' 'outputs: {boot.scr: /boot.scr, uboot-raspberrypi400.deb: /uboot-raspberrypi400.deb}' \
		>>recipes/boot-script.yaml
}
# signed_fit: the FIT image is signed, as docs/device.md has it
signed_fit() {
	mv recipes/fit.yaml recipes/fit-unsigned.yaml
	printf '%s\n' 'kind: fit' 'from: "fit-unsigned:slot.itb"' 'key: pki/private/boot.key' \
		'cert: pki/boot.crt' 'tools: toolchain' \
		'device-trees: ["device-trees:bcm2711-rpi-4-b.dtb", "device-trees:bcm2711-rpi-400.dtb"]' >recipes/fit.yaml
	: >pki/private/boot.key
	: >pki/boot.crt
	replace recipes/boot.yaml 's/"device-trees:/"fit:/'
	replace custom_build/uboot-raspberrypi400/boot.config \
		's/^CONFIG_FIT=y/&\nCONFIG_FIT_SIGNATURE=y\nCONFIG_RSA=y/; s/^\(CONFIG_LEGACY_IMAGE_FORMAT\)=y/# \1 is not set/'
	replace custom_build/uboot-raspberrypi400/boot.txt '/^# A slot of release 1.0.0/,/booti/d'
}
# other_keys: a directory 'other' with other keys
other_keys() {
	mkdir -p other/recipes && cp recipes/project.yaml other/recipes/ &&
		"$orch" -C other pki init >/dev/null
}
# certificate LAST-DAY EXTENSION...: the signer's certificate anew, under the root of the keyring
certificate() {
	cert_end=$(date -u -d "$1" +%Y%m%d%H%M%SZ)
	shift
	mkdir ca
	: >ca/index
	printf '[ca]\ndefault_ca = d\n[d]\ndatabase = ca/index\nnew_certs_dir = ca\nrand_serial = yes
default_md = sha256\npolicy = p\nx509_extensions = e\n[p]\ncommonName = supplied\n[e]\n' >ca/conf
	printf '%s\n' "$@" >>ca/conf
	openssl req -new -subj '/CN=other signer' -key pki/private/signer.key -out ca/request &&
		openssl ca -batch -config ca/conf -cert pki/keyring.pem -keyfile pki/private/root.key -notext \
			-startdate 20200101000000Z -enddate "$cert_end" -in ca/request -out pki/signer.pem &&
		rm -r ca
}
# tree_of NODE: the directory 'tree' becomes what NODE makes, built
tree_of() {
	printf 'kind: run\ninputs: [tree]\nrun: ["tar -C tree -cf root.tar ."]\noutputs: [root.tar]\n' \
		>"recipes/$1.yaml"
	"$orch" build "$1"
}
# system_tree: 'tree', with what fstab mounts on, becomes what the root image is made of
system_tree() { mkdir -p tree/data tree/var tree/sbin tree/usr/bin && : >tree/sbin/init && : >tree/usr/bin/rauc && tree_of system; }
# kernel SIZE: an arm64 kernel in tree/vmlinuz that takes so many bytes (hexadecimal, 16 digits)
kernel() {
	mkdir -p tree/boot
	{
		head -c 16 /dev/zero
		kernel_size=$1
		while [ -n "$kernel_size" ]; do
			printf %b "\\0$(printf %03o "0x${kernel_size#"${kernel_size%??}"}")"
			kernel_size=${kernel_size%??}
		done
		head -c 32 /dev/zero
		printf 'ARM\144'
		head -c 4096 /dev/zero
	} >tree/vmlinuz
}
# kernel_config LINE...: its configuration and its modules
kernel_config() {
	mkdir -p tree/boot tree/usr/lib/modules/6.1/kernel
	printf '%s\n' '# Linux' "$@" >tree/boot/config-6.1
	for module in dm-verity squashfs loop; do : >tree/usr/lib/modules/6.1/kernel/"$module".ko.xz; done
}
all_features() { kernel_config CONFIG_DM_VERITY=m CONFIG_SQUASHFS=m CONFIG_BLK_DEV_LOOP=m; }

refused() { # CASE DIRECTORY, for itself
	at=$2
	mkdir -p "$at"
	name=$(basename "$1" .sh)
	rule=${name%%--*}
	says=$(sed -n 's/^# says: //p' "$1")
	right=$work/$(sed -n 's/^# template: //p' "$1")
	[ "$right" != "$work/" ] || right=$work/good
	level=$(sed -n "s/^$rule *\([a-z]*\) .*/\1/p" "$work/rules")
	want=2
	[ "$level" = error ] || want=0
	rm -rf "$at/bad"
	cp -R "$right" "$at/bad"
	: >"$at/unmade"
	# shellcheck source=/dev/null
	if ! (cd "$at/bad" && . "$1") >"$at/mistake" 2>&1 || [ -s "$at/unmade" ]; then
		cat "$at/mistake" "$at/unmade"
		not_ok "$name (the mistake could not be made)"
		return
	fi
	if diff -r --no-dereference "$right" "$at/bad" >/dev/null; then
		not_ok "$name (the mistake changed nothing)"
		return
	fi
	# What a rule sees is looked for with sanitizers once; the variants take a tenth of the time without.
	got=0 by=$orch
	[ "$name" = "$rule" ] || by=$ORCH
	"$by" -C "$at/bad" check >"$at/out" 2>&1 || got=$?
	if grep -F -e "$says" "$at/out" | grep -qF -e "[$rule]" && [ $got = $want ]; then
		ok "$name"
	else
		echo "exit $got:"
		cat "$at/out"
		not_ok "$name"
	fi
}

"$orch" check --rules >"$work/rules"
same every-rule-has-a-case "$(sed 's/ .*//' "$work/rules" | sort)" \
	"$(basename -a -s .sh tests/must-fail/*.sh | sed 's/--.*//' | sort -u)"
cp -R "$work/good" "$work/kernel"
# shellcheck disable=SC2317 # called by check
good_kernel() { (cd "$work/kernel" && all_features && kernel 0000000002000000 && system_tree); }
check a-tree-with-a-kernel good_kernel
"$orch" -C "$work/kernel" check >"$work/out" 2>&1
check other-rules-have-spoken grep -qF '[unreached-node]' "$work/out" # of what the tree replaced
lacks good-kernel '\[kernel-' "$work/out"
# shellcheck disable=SC2317 # called by check
good_modules() { (cd "$work/kernel" && printf '# a list\n\ndm_verity x=1\nsquashfs\n' >custom_build/initramfs/modules && tree_of build-base); }
check a-tree-for-the-initramfs good_modules
"$orch" -C "$work/kernel" check >"$work/out" 2>&1
lacks good-modules '\[missing-module\]' "$work/out"
# What the image's own recipe writes is in no tree.
cp -R "$work/good" "$work/writes"
# asks PATH...: the check of the application does not run without PATH.
asks() {
	for path in "$@"; do echo "ConditionPathExists=$path"; done >"$work/conditions"
	sed -i -e '/^ConditionPath/d' -e "/^.Unit/r $work/conditions" rootfs/etc/systemd/system/health-application.service
}
# shellcheck disable=SC2317 # called by check
surely() { (cd "$work/writes" && system_tree && asks /usr/lib/clock-epoch /lost+found /empty /etc/systemd/system/getty@.service); }
mkdir "$work/writes/rootfs/empty"
check paths-that-are-surely-there surely
"$orch" -C "$work/writes" check >"$work/out" 2>&1
check other-rules-have-spoken-of-it grep -qF '[unreached-node]' "$work/out"
lacks what-the-image-writes '(skipped|conditional)-check\]' "$work/out"
# perhaps WHAT PATH: it may be there, and may not.
perhaps() {
	(cd "$work/writes" && asks "$2")
	"$orch" -C "$work/writes" check >"$work/out" 2>&1
	check "perhaps-$1" grep -q '^warning: .*\[conditional-check\]$' "$work/out"
	lacks "not-surely-$1" 'skipped-check' "$work/out"
}
perhaps a-link-of-a-unit /etc/systemd/system/network-online.target.wants/systemd-networkd-wait-online.service
sed -i 's,^  - {copy: rootfs/.*,&\n  - {unpack: "system:/data"\, to: /usr/local/etc},' "$work/writes/recipes/root.yaml"
perhaps what-is-unpacked /usr/local/etc/hostname

# The aliases of a package's units, once its tree is built.
cp -R "$work/good" "$work/aliases"
# shellcheck disable=SC2317 # called by check
aliases() (
	cd "$work/aliases" && mkdir -p tree/usr/lib/systemd/system &&
		printf '[Install]\nAlias=dbus-org.freedesktop.network1.service\n' >tree/usr/lib/systemd/system/systemd-networkd.service &&
		: >tree/usr/lib/systemd/system/sysinit.target &&
		sed -i '/^\[Unit\]/a After=dbus-org.freedesktop.network1.service other.service' rootfs/etc/systemd/system/app.service &&
		system_tree
)
check a-tree-with-aliases aliases
"$orch" -C "$work/aliases" check >"$work/out" 2>&1
lacks an-alias-of-a-package "'dbus-org" "$work/out"
check what-is-no-alias grep -q "there is no unit 'other.service'.*missing-unit" "$work/out"

cp -R "$work/good" "$work/signed"
at=$work
(cd "$work/signed" && signed_fit)
code signed-images 0 "$orch" -C "$work/signed" check
lacks signed-images-notes 'fit-signed' "$scratch/err"
# What comes after a damaged certificate may be one for development.
cp -R "$work/good" "$work/damaged"
printf 'kind: release\nbundle: bundle\ncard: install\n' >"$work/damaged/recipes/release.yaml"
sed 3d "$work/good/pki/keyring.pem" >"$work/damaged/pki/keyring.pem"
"$orch" -C "$work/damaged" check >"$work/out" 2>&1
check keys-that-cannot-be-read grep -q "keyring.pem' has a certificate that orch cannot read.*\[release-keys\]$" "$work/out"
# Two at a time.
set -- tests/must-fail/*.sh
while [ $# -gt 0 ]; do
	refused "$PWD/$1" "$work/one" >"$work/told-one" 2>&1 &
	shift
	: >"$work/told-two"
	if [ $# -gt 0 ]; then
		(refused "$PWD/$1" "$work/two") >"$work/told-two" 2>&1
		shift
	fi
	wait
	cat "$work/told-one" "$work/told-two" | tee -a "$work/told"
done
failures=$((failures + $(grep -c '^not ok' "$work/told")))
same every-case-was-tried "$(printf '%s\n' tests/must-fail/*.sh | wc -l)" \
	"$(grep -c '^ok\|^not ok' "$work/told")"

# A command on two lines is one.
cp -R "$work/good" "$work/lines"
sed -i 's/ --discard=no/ \\\n\t&/' "$work/lines/rootfs/usr/lib/edge-device/repartition"
check it-is-on-two-lines grep -q '^.--discard=no\|^. --discard=no' "$work/lines/rootfs/usr/lib/edge-device/repartition"
sed -i 's,^ExecStart=.*repartition,& \\\n\tNoKey=1,' "$work/lines/rootfs/etc/systemd/system/systemd-repart.service.d/edge-device.conf"
check so-is-that-one grep -q '^.NoKey=1' "$work/lines/rootfs/etc/systemd/system/systemd-repart.service.d/edge-device.conf"
code command-on-two-lines 0 "$orch" -C "$work/lines" check

# What devices out there trust stays in the keyring.
mkdir "$work/shipped"
code device-as-a-file 0 "$orch" -C "$work/good" build device
cp "$work/good/out/device/device.json" "$work/good/pki/keyring.pem" "$work/shipped/"
code against-itself 0 "$orch" -C "$work/good" check --against "$work/shipped"
(cd "$work/good" && other_keys && mv other/pki/keyring.pem "$work/shipped/" && rm -r other)
code against-other-keys 2 "$orch" -C "$work/good" check --against "$work/shipped"
check says-what-they-would-refuse grep -q 'keyring.pem:1:1: a CA that devices trust' "$scratch/err"
code against-1.0.0-whose-cards-have-no-app-slots 2 "$orch" -C "$work/good" check --against tests/releases/1.0.0
check says-what-has-moved grep -q "partition 'data'" "$scratch/err"

# ignoring ENTRY: project.yaml of 'ignore', a copy without the unit that marks a slot good, has one.
ignoring() {
	rm -rf "$work/ignore"
	cp -R "$work/good" "$work/ignore"
	sed -i '/- rauc-mark-good.service/d' "$work/ignore/recipes/root.yaml"
	printf 'check: {ignore: [{rule: %s}]}\n' "$1" >>"$work/ignore/recipes/project.yaml"
}
ignoring 'mark-good, node: root, why: "by hand", until: 2099-12-31'
code ignored 0 "$orch" -C "$work/ignore" check
check told-with-the-reason grep -q '^note: .* (ignored: by hand) \[mark-good\]' "$scratch/err"
ignoring 'mark-good, node: boot, why: "of another node"'
code no-bundle-for-it 2 "$orch" -C "$work/ignore" build bundle
check build-names-the-rule grep -q 'is not started.*\[mark-good\]$' "$scratch/err"
code what-is-no-bundle 0 "$orch" -C "$work/ignore" build pki
code of-another-node 2 "$orch" -C "$work/ignore" check
check speaks-all-the-same grep -q 'is not started.*\[mark-good\]$' "$scratch/err"
check has-nothing-to-ignore grep -q "project.yaml:.*nothing is left to ignore of 'mark-good' in boot" "$scratch/err"
ignoring 'mark-good, why: "for a while", until: 2020-06-30'
code no-longer 2 "$orch" -C "$work/ignore" check
check says-when grep -q "was to be ignored until 2020-06-30" "$scratch/err"
check speaks-again grep -q 'is not started.*\[mark-good\]$' "$scratch/err"
ignoring 'kernel-features, why: "no verity bundles"'
code not-known 2 "$orch" -C "$work/ignore" check
check note-that-it-is-not-known grep -q "^note: .*still something to ignore of 'kernel-features' is not known" "$scratch/err"
ignoring 'no-such-rule, why: "?"'
code no-such-rule 2 "$orch" -C "$work/ignore" check
check says-which-there-are grep -q "no rule is called 'no-such-rule': 'orch check --rules'" "$scratch/err"
ignoring 'mark-good, why: "when", until: tomorrow'
code no-day 2 "$orch" -C "$work/ignore" check
check says-what-a-day-is grep -q "'until' is a day like" "$scratch/err"
finish
