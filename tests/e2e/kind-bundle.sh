#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Kinds pki and bundle with the real rauc: keys, a bundle of two images, what a device accepts and what
# it refuses, and that the private key stays where it is.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes/tests" "$p/files"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1.2"
default: [bundle]
END
recipe() { # NAME, text on stdin
	cat >"$p/recipes/$1.yaml"
}
# shellcheck disable=SC2317 # called by check
o() { "$orch" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err" || { cat "$scratch/err"; return 1; }; }
says() { check "$1" grep -q -- "$2" "$scratch/err"; }
# shellcheck disable=SC2317 # called by check and code
info() { rauc "--keyring=$1" info --output-format=shell "$2"; }

echo hello >"$p/files/greeting"
head -c 1000000 /dev/urandom >"$p/files/noise"
recipe root <<'END'
kind: image
filesystem: ext4
size: 32M
contents: [{copy: files/, to: /}, {copy: "pki:keyring.pem", to: /etc/rauc/keyring.pem}]
END
recipe boot <<'END'
kind: image
filesystem: vfat
size: 16M
contents: [{copy: files/, to: /}]
END
recipe pki <<'END'
kind: pki
key: pki/private/signer.key
cert: pki/signer.pem
keyring: pki/keyring.pem
END
recipe bundle <<'END'
kind: bundle
compatible: demo device
version: ${project.version}
images: {rootfs: root, bootloader: boot}
sign: pki
END
recipe tests/pki-rollover <<'END'
kind: pki
key: pki/private/rollover-signer.key
cert: pki/rollover-signer.pem
keyring: pki/keyring.pem
END
recipe tests/bundle-rollover <<'END'
kind: bundle
compatible: demo device
version: ${project.version}
images: {rootfs: root}
sign: tests/pki-rollover
END

cat >"$p/hook" <<'END'
#!/bin/sh
echo "hook $1"
END
recipe tests/hooked <<'END'
kind: bundle
compatible: demo device
version: ${project.version}
images: {rootfs: root, bootloader: boot}
hooks:
  file: hook
  install-check: true
  slots: {bootloader: [pre-install, post-install]}
sign: pki
END

recipe tests/adaptive <<'END'
kind: bundle
compatible: demo device
version: ${project.version}
images: {rootfs: root, bootloader: boot}
adaptive: true
block-size: 64K
sign: pki
END

echo "# keys"
code "without keys" 2 "$orch" -C "$p" build
says "the command that makes them" "orch pki init"
check "pki init" o pki init
code "a second time" 2 "$orch" -C "$p" pki init
same "private keys are private" 600 "$(find "$p/pki/private" -type f -printf '%m\n' | sort -u)"

echo "# the bundle"
check "build" o build bundle root
b=$p/out/bundle/bundle.raucb
check "a device accepts it" info "$p/pki/keyring.pem" "$b"
for purpose in smimesign codesign; do
	printf '[system]\ncompatible=demo device\nbootloader=noop\n[keyring]\npath=%s\ncheck-purpose=%s\n' \
		"$p/pki/keyring.pem" "$purpose" >"$scratch/system.conf"
	check "a device that checks for $purpose" rauc "--conf=$scratch/system.conf" info "$b"
done
printf '[system]\ncompatible=demo device\nbootloader=noop\n[keyring]\npath=%s\ncheck-purpose=sslserver\n' \
	"$p/pki/keyring.pem" >"$scratch/system.conf"
code "a device that checks for something else" 1 rauc "--conf=$scratch/system.conf" info "$b"
info "$p/pki/keyring.pem" "$b" >"$scratch/info" 2>/dev/null
same "compatible" "RAUC_MF_COMPATIBLE='demo device'" "$(grep ^RAUC_MF_COMPATIBLE "$scratch/info")"
same "version" "RAUC_MF_VERSION='1.2'" "$(grep ^RAUC_MF_VERSION= "$scratch/info")"
same "images in order" "rootfs bootloader" \
	"$(sed -n "s/^RAUC_IMAGE_CLASS_[0-9]*='*\([^']*\)'*/\1/p" "$scratch/info" | tr '\n' ' ' | sed 's/ $//')"
rauc --keyring="$p/pki/keyring.pem" info "$b" >"$scratch/text" 2>&1
check "format verity" grep -qi 'verity' "$scratch/text"
unsquashfs -q -n -d "$scratch/content" "$b" >/dev/null 2>&1
same "files whose names say what they are" "bootloader.vfat manifest.raucm rootfs.ext4 " \
	"$(find "$scratch/content" -type f -printf '%f\n' | LC_ALL=C sort | tr '\n' ' ')"
check "the root image is whole" cmp "$scratch/content/rootfs.ext4" "$p/out/root/root.img"
mkdir "$scratch/p2" "$scratch/p2/recipes"
cp "$p/recipes/project.yaml" "$scratch/p2/recipes/"
check "another device's keys" "$orch" -C "$scratch/p2" pki init
check "its keyring is there" test -s "$scratch/p2/pki/keyring.pem"
code "another device's keyring refuses it" 1 info "$scratch/p2/pki/keyring.pem" "$b"
# The last 8 bytes are the length of the CMS before them; dm-verity guards what is before that.
size=$(stat -c %s "$b")
for back in 1 8 9 200 700 1500; do
	at=$((size - back))
	cp "$b" "$scratch/flipped.raucb"
	byte=$(od -An -tu1 -j "$at" -N 1 "$b" | tr -d ' ')
	# shellcheck disable=SC2059 # the octal number is the format
	printf "\\$(printf %o $((byte ^ 1)))" |
		dd of="$scratch/flipped.raucb" bs=1 seek="$at" conv=notrunc status=none
	check "the flipped file differs" sh -c "cmp -s '$b' '$scratch/flipped.raucb'; [ \$? = 1 ]"
	code "a bit flipped $back bytes before the end" 1 info "$p/pki/keyring.pem" "$scratch/flipped.raucb"
done

echo "# adaptive"
check "build" o build tests/adaptive
d=$p/out/tests/adaptive/adaptive.raucb
check "a device accepts it" info "$p/pki/keyring.pem" "$d"
unsquashfs -q -n -d "$scratch/adaptive" "$d" >/dev/null 2>&1
same "an index of the root, none of the boot image" "manifest.raucm rootfs.ext4 rootfs.ext4.block-hash-index " \
	"$(find "$scratch/adaptive" -type f ! -name bootloader.vfat -printf '%f\n' | LC_ALL=C sort | tr '\n' ' ')"
same "the digest of each block" "$(python3 -c 'import hashlib, sys
with open(sys.argv[1], "rb") as f:
    for block in iter(lambda: f.read(4096), b""):
        sys.stdout.write(hashlib.sha256(block).hexdigest())' "$p/out/root/root.img" | sha256sum)" \
	"$(od -An -v -tx1 "$scratch/adaptive/rootfs.ext4.block-hash-index" | tr -d ' \n' | sha256sum)"
same "rauc is told of the method" "adaptive=block-hash-index;" \
	"$(sed -n '/^\[image.rootfs\]/,/^$/p' "$scratch/adaptive/manifest.raucm" | grep ^adaptive=)"
check "the block size is as it was asked for" sh -c "unsquashfs -s '$d' 2>/dev/null | grep -qx 'Block size 65536'"

echo "# what a new card has installed"
recipe tests/card <<'END'
kind: disk
partitions:
  - {name: a, type: linux-generic, from: root}
  - {name: b, type: linux-generic, from: root}
  - name: data
    type: linux-generic
    size: 32M
    filesystem: ext4
    installed: {data-directory: /rauc, statusfile: /rauc/status, version: "4.2", slots: {rootfs.0: a, rootfs.1: b}}
END
check "build" o build tests/card
digest=$(sed -n '/^\[image.rootfs\]/,/^$/s/^sha256=//p' "$scratch/adaptive/manifest.raucm")
for slot in rootfs.0 rootfs.1; do
	o image cp "tests/card:/data/rauc/slot.$slot/hash-$digest/block-hash-index" "$scratch/index-$slot" >"$scratch/out" 2>&1
	check "the index of $slot is the one that rauc made" \
		cmp "$scratch/adaptive/rootfs.ext4.block-hash-index" "$scratch/index-$slot"
done
o image cp tests/card:/data/rauc/status "$scratch/status" >"$scratch/out" 2>&1
same "RAUC's status names it" "[slot.rootfs.0] bundle.version=4.2 status=ok sha256=$digest size=$(stat -c %s "$p/out/root/root.img")  \
[slot.rootfs.1] bundle.version=4.2 status=ok sha256=$digest size=$(stat -c %s "$p/out/root/root.img") " "$(tr '\n' ' ' <"$scratch/status")"

echo "# hooks"
check "build" o build tests/hooked
h=$p/out/tests/hooked/hooked.raucb
check "a device accepts it" info "$p/pki/keyring.pem" "$h"
unsquashfs -q -n -d "$scratch/hooked" "$h" >/dev/null 2>&1
check "the program is in it" cmp "$scratch/hooked/hook" "$p/hook"
same "and can be run" 755 "$(stat -c %a "$scratch/hooked/hook")"
same "rauc is told of it" "filename=hook hooks=install-check; " \
	"$(sed -n '/^\[hooks\]/,/^$/p' "$scratch/hooked/manifest.raucm" | grep '=' | LC_ALL=C sort | tr '\n' ' ')"
same "of its use for an image" "hooks=pre-install;post-install;" \
	"$(sed -n '/^\[image.bootloader\]/,/^$/p' "$scratch/hooked/manifest.raucm" | grep ^hooks=)"
code "not for the other" 1 sh -c \
	"sed -n '/^\[image.rootfs\]/,/^\$/p' '$scratch/hooked/manifest.raucm' | grep ^hooks="

echo "# under the rollover CA"
check "build" o build tests/bundle-rollover
r=$p/out/tests/bundle-rollover/bundle-rollover.raucb
check "a device accepts it" info "$p/pki/keyring.pem" "$r"
printf '[system]\ncompatible=demo device\nbootloader=noop\n[keyring]\npath=%s\ncheck-purpose=codesign\n' \
	"$p/pki/keyring.pem" >"$scratch/system.conf"
check "a device that checks for codesign" rauc "--conf=$scratch/system.conf" info "$r"
openssl x509 -in "$p/pki/keyring.pem" -out "$scratch/first.pem"
sed '1,/^-----END/d' "$p/pki/keyring.pem" >"$scratch/second.pem"
check "the first CA is enough for the first bundle" info "$scratch/first.pem" "$b"
code "but not for this" 1 info "$scratch/first.pem" "$r"
check "the second is enough for this" info "$scratch/second.pem" "$r"
code "but not for the first" 1 info "$scratch/second.pem" "$b"

echo "# without the rollover CA's signer"
mkdir "$scratch/away"
mv "$p/pki/rollover-signer.pem" "$p/pki/private/rollover-signer.key" \
	"$p/pki/private/rollover-intermediate.key" "$scratch/away/"
check "the default targets are built" o build
check "a plan of others" o plan root
code "what needs it is not" 2 "$orch" -C "$p" build tests/bundle-rollover
says "at which place" "^recipes/tests/pki-rollover.yaml:2:6: .*'pki/private/rollover-signer.key'"
says "and the command that makes it" "orch pki init"
code "check" 0 "$orch" -C "$p" check
says "and a note" "^note: recipes/tests/pki-rollover.yaml:3:7: .*'pki/rollover-signer.pem'"
mv "$p/pki/private/rollover.key" "$scratch/away/"
code "it cannot be made without the CA's key" 2 "$orch" -C "$p" pki init
says "which must be" "pki/private/rollover.key"
mv "$scratch/away/rollover.key" "$p/pki/private/"
check "pki init makes it" o pki init
code "once" 2 "$orch" -C "$p" pki init
check "build with another signer" o build tests/bundle-rollover
check "a device accepts that, too" info "$p/pki/keyring.pem" "$r"
check "the rest" o build --result-json "$result" bundle
same "has a keyring with a list more" built "$(status_of bundle)"

echo "# again"
check "build" o build --result-json "$result"
same "nothing to do" cached "$(status_of bundle)"
echo changed >>"$p/files/greeting"
check "build after an edit" o build --result-json "$result"
same "root" built "$(status_of root)"
same "pki" cached "$(status_of pki)"
same "bundle" built "$(status_of bundle)"

echo "# refusals"
sed 's/^sign/format: plain\nsign/' "$p/recipes/bundle.yaml" >"$p/recipes/plain.yaml"
code "format plain" 2 "$orch" -C "$p" plan plain
says "why" "CVE-2020-25860"
rm "$p/recipes/plain.yaml"
cp "$scratch/p2/pki/private/signer.key" "$p/pki/private/signer.key"
check "another key, same certificate: unseen by keys" o plan
rm -rf "$ORCH_STORE"
code "but refused when it matters" 5 "$orch" -C "$p" build
says "why" "does not belong to certificate"
cp -r "$scratch/p2/pki/." "$p/pki/"
check "new keys" o build
check "a device with the new keyring accepts it" info "$p/pki/keyring.pem" "$b"

echo "# a certificate that ends soon, a key that others can read"
sed '1,/^-----END/d' "$p/pki/signer.pem" >"$scratch/intermediate.pem"
cat >"$scratch/leaf.ext" <<'END'
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = codeSigning, emailProtection
END
openssl req -new -key "$p/pki/private/signer.key" -subj "/CN=soon gone" -out "$scratch/leaf.csr"
openssl x509 -req -in "$scratch/leaf.csr" -days 5 -extfile "$scratch/leaf.ext" -set_serial 77 \
	-CA "$scratch/intermediate.pem" -CAkey "$p/pki/private/intermediate.key" -out "$scratch/leaf.pem" 2>/dev/null
cat "$scratch/leaf.pem" "$scratch/intermediate.pem" >"$scratch/short.pem"
cp "$scratch/short.pem" "$p/pki/signer.pem"
version() { sed -i "s/^version:.*/version: \"$1\"/" "$p/recipes/project.yaml"; }
for v in 1.3 1.4; do
	version $v
	check "version $v" o build
	says "each build that signs tells it" "bundle .*expires on $(date -u -d '+5 days' +%F)"
done
check "nothing to do" o build
check "and nothing to tell" sh -c "grep -q expires '$scratch/err'; [ \$? = 1 ]"
chmod 644 "$p/pki/private/signer.key"
version 1.5
check "a key that others can read" o build
says "is told" "signer.key': chmod 600"
chmod 666 "$p/pki/private/signer.key"
code "a key that others can write since all was built" 5 "$orch" -C "$p" build
says "is refused, though nothing is to be built" "signer.key' (mode 0666)"
code "by plan, too" 5 "$orch" -C "$p" plan
version 1.6
code "a key that others can write" 5 "$orch" -C "$p" build
says "is refused" "signer.key' (mode 0666)"
chmod 600 "$p/pki/private/signer.key"
chmod 777 "$p/pki/private"
code "a directory in which others can put another" 5 "$orch" -C "$p" plan
says "is refused" "directory 'pki/private' (mode 0777)"
chmod 700 "$p/pki/private"
chmod 777 "$p/pki"
echo >>"$p/pki/keyring.pem"
check "certificates that everybody can replace" o build
says "are told of" "everybody can write the directory .*/pki' of 'keyring.pem'"
chmod 755 "$p/pki"

echo "# programs of a tree"
# This host's rauc and mksquashfs, with what they are linked with, and beside them what must be there.
cat >"$p/pack.sh" <<'END'
mkdir -p t/usr/bin t/bin t/tmp t/proc t/dev t/run t/sys t/etc
for program in rauc mksquashfs unsquashfs; do
	file=$(command -v "$program") || continue
	cp "$file" t/usr/bin/
	ldd "$file" | sed -n -E 's/^(.*=> )?[[:space:]]*(\/[^ ]*) .*/\2/p' | while read -r lib; do
		mkdir -p "t${lib%/*}" && cp -L "$lib" "t$lib"
		# loaded when a thread ends
		[ ! -e "${lib%/*}/libgcc_s.so.1" ] || cp -L "${lib%/*}/libgcc_s.so.1" "t${lib%/*}/"
	done
done
echo "# $1" >t/etc/tree
if [ -n "${2:-}" ]; then
	printf '#!/bin/sh\n%s\n' "$2" >t/usr/bin/rauc
	cp /bin/sh /bin/ln /bin/rm t/bin/
	ldd /bin/sh /bin/ln /bin/rm | sed -n -E 's/^(.*=> )?[[:space:]]*(\/[^ ]*) .*/\2/p' | while read -r lib; do
		mkdir -p "t${lib%/*}" && cp -L "$lib" "t$lib"
	done
fi
tar -C t --sort=name --mtime=@1 --owner=0 --group=0 -cf tools.tar .
END
tools() { # NAME [SCRIPT in place of rauc]
	printf 'kind: run\ninputs: [pack.sh]\nrun: [[sh, pack.sh, %s%s]]\noutputs: [tools.tar]\n' \
		"$1" "${2:+, \"$2\"}" | recipe "$1"
	sed 's/^sign/tools: '"$1"'\nsign/' "$p/recipes/bundle.yaml" >"$p/recipes/bundle-$1.yaml"
}
tools thief 'while read -r line; do echo $line; done </signer.key >/out/bundle-thief.raucb'
code "a tree of somebody's own is not given the key" 2 "$orch" -C "$p" build bundle-thief
says "without the user's leave" "its rauc would read the signing key"
rm "$p/recipes/thief.yaml" "$p/recipes/bundle-thief.yaml"
mkdir -p "$scratch/config/orch"
echo 'trust-tools: true' >"$scratch/config/orch/config.yaml"
export XDG_CONFIG_HOME="$scratch/config"
tools kit
check "a bundle by a tree's rauc" o build bundle-kit
t=$p/out/bundle-kit/bundle-kit.raucb
check "a device accepts it" info "$p/pki/keyring.pem" "$t"
check "and that of this host" o build bundle
unsquashfs -q -n -d "$scratch/by-tree" "$t" >/dev/null 2>&1
unsquashfs -q -n -d "$scratch/by-host" "$b" >/dev/null 2>&1
check "has the same content" diff -r "$scratch/by-host" "$scratch/by-tree"
check "has its owners" sh -c "unsquashfs -lln '$t' | grep -q 'rootfs.ext4' && ! unsquashfs -lln '$t' | grep -v -E ' 0/0 |^[^-d]' | grep ."
# Another rauc on this host matters to what it makes, and to nothing else.
mkdir "$scratch/host"
printf '#!/bin/sh\n[ "$1" != --version ] || { echo rauc 99.9; exit; }\nexec %s "$@"\n' "$(command -v rauc)" >"$scratch/host/rauc"
chmod 755 "$scratch/host/rauc"
PATH=$scratch/host:$PATH "$orch" -C "$p" build --result-json "$result" bundle bundle-kit >"$scratch/out" 2>"$scratch/err"
same "another rauc on this host" "bundle built, bundle-kit cached, " \
	"$(jq -r '.nodes[] | select(.kind == "bundle") | .name + " " + .status + ", "' "$result" | sort | tr -d '\n')"
printf '#!/bin/sh\n[ "$1" != --version ] || { echo rauc 99.8; exit; }\necho no such key type >&2; exit 1\n' >"$scratch/host/rauc"
code "one that cannot sign" 1 env PATH="$scratch/host:$PATH" "$orch" -C "$p" build bundle
says "is told before the images are packed" "the rauc of this machine cannot sign with this key .*no such key type"
tools refuses "echo no such key type >&2; exit 1"
code "a rauc that cannot sign" 1 "$orch" -C "$p" build bundle-refuses
says "is told before the images are packed" "the rauc of 'tools' cannot sign with this key and verify it"
tools nothing "exit 0"
code "a rauc that makes no bundle" 5 "$orch" -C "$p" build bundle-nothing
# What orch writes where it has run, or reads, is not where its links lead.
mkdir "$scratch/led"
echo precious >"$scratch/led/said"
tools planter "rm -rf /work/*; for name in content leaf.pem intermediates.pem; do ln -s $scratch/led /work/\$name; done; ln -s $scratch/led/said /work/rauc.out"
code "a rauc that leaves links" 5 "$orch" -C "$p" build bundle-planter
same "leads orch nowhere" "$scratch/led/said precious" "$(find "$scratch/led" -type f | tr '\n' ' ')$(cat "$scratch/led/said")"

echo "# a former release"
former() { # AT CARD: its key are the digests, so each has a card of its own
	printf 'kind: shipped\nat: %s\ninstall: %s\nbundle: %s\n' "$1" \
		"$(echo "$2" | sha256sum | cut -c1-64)" "$(echo update | sha256sum | cut -c1-64)" | recipe former
}
mkdir "$p/old" "$scratch/outside"
echo update | tee "$p/old/bundle.raucb" >"$scratch/outside/bundle.raucb"
echo card >"$p/old/install.img"
former old card
check "out of the project" o build former
echo '{}' >"$p/old/device.json"
echo "device: $(sha256sum <"$p/old/device.json" | cut -c1-64)" >>"$p/recipes/former.yaml"
check "with what its device was" o build former
same "which is an output" '{}' "$(cat "$p/out/former/device.json")"
echo '{"changed": 1}' >"$p/old/device.json"
echo again >"$p/old/install.img" # else it is in the store
sed -i "s/^install: .*/install: $(echo again | sha256sum | cut -c1-64)/" "$p/recipes/former.yaml"
code "and no other" 5 "$orch" -C "$p" build former
says "is taken" "'old/device.json' is not what was released"
code "nor compared with" 5 "$orch" -C "$p" check --against former
says "as it is told" "device.json' is not what was shipped"
echo other >"$scratch/outside/install.img"
ln -s "$scratch/outside" "$p/away"
former away other
code "through a link out of it" 2 "$orch" -C "$p" build former
rm "$p/old/install.img"
mkfifo "$p/old/install.img"
former old none
code "out of a pipe" 2 timeout 60 "$orch" -C "$p" build former
says "is not waited for" "'old/install.img' is not a file"

echo "# without the private key"
mv "$p/pki/private" "$scratch/private"
cp "$p/pki/keyring.pem" "$scratch/keyring.pem"
store=$ORCH_STORE
export ORCH_STORE="$scratch/keyless"
check "the public parts are given out" o build pki
code "no bundle is made" 2 "$orch" -C "$p" build bundle
says "what is missing is told" "there is no private key 'pki/private/signer.key'"
export ORCH_STORE="$scratch/keyless-later"
code "and though the signer's certificate is over" 0 env NO_FAKE_STAT=1 faketime "2036-06-01 10:00:00" "$orch" -C "$p" build pki
cat "$scratch/private/signer.key" >>"$p/pki/keyring.pem"
code "a key in the keyring is not" 5 "$orch" -C "$p" build pki
says "is told" "private key"
openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=other" -keyout /dev/null -out "$p/pki/keyring.pem" 2>/dev/null
code "nor a keyring that does not know the signer" 5 "$orch" -C "$p" build pki
cp "$scratch/keyring.pem" "$p/pki/keyring.pem"
export ORCH_STORE="$store"
mv "$scratch/private" "$p/pki/private"

echo "# the private key"
line=$(sed -n 2p "$p/pki/private/signer.key")
same "is in no store and no output" "$p/pki/private/signer.key" \
	"$(grep -rlF -- "$line" "$p/pki" "$ORCH_STORE" "$p/out" 2>&1)"
finish
