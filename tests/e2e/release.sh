#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A release: what is in its directory, what reads it, and what is not fit to be one.
. tests/e2e/lib.sh
. tests/e2e/keys-lib.sh
export LC_ALL=C.UTF-8
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config"
export HOME="$scratch" GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a
p=$scratch/p
mkdir -p "$p/recipes" "$p/files" "$p/pki/private" "$scratch/config/orch"
printf 'trust-tools: true\nprovenance-key: who.key\n' >"$scratch/config/orch/config.yaml"
openssl genpkey -algorithm ed25519 -out "$scratch/config/orch/who.key"
openssl pkey -in "$scratch/config/orch/who.key" -pubout -out "$scratch/who.pub"
chmod 600 "$scratch/config/orch/who.key"
cd "$p" || exit 1
says() { check "$1" grep -q -- "$2" "$scratch/err"; }
recipe() { cat >"recipes/$1.yaml"; } # NAME, text on stdin
sha() { sha256sum <"$1" | cut -d' ' -f1; }

# This host's rauc and mksquashfs as a tree, so that no node needs a program of the host.
kit() {
	for program in rauc mksquashfs unsquashfs; do
		file=$(command -v "$program")
		mkdir -p kit/usr/bin && cp "$file" kit/usr/bin/
		ldd "$file" | sed -n -E 's/^(.*=> )?[[:space:]]*(\/[^ ]*) .*/\2/p' | while read -r lib; do
			mkdir -p "kit${lib%/*}" && cp -L "$lib" "kit$lib"
			[ ! -e "${lib%/*}/libgcc_s.so.1" ] || cp -L "${lib%/*}/libgcc_s.so.1" "kit${lib%/*}/"
		done
	done
	for dir in bin tmp proc dev run sys etc; do mkdir -p "kit/$dir" && : >"kit/$dir/.keep"; done
}
kit
product_keys "Acme" >/dev/null 2>&1
cp -R pki "$scratch/product-keys"

cat <<'END' | recipe project
schema: 1
name: gate
version: 1.0.0
vars: {compatible: acme-gate}
default: [bundle, card]
END
head -c 20000 /dev/urandom >files/ours # rauc makes no bundle of a page
printf 'out/\nreleases/\npki/private/\n' >.gitignore
printf 'First release.\n' >NEWS.md
printf 'kind: tree\narch: amd64\ncontents: [{copy: kit/, to: /}]\n' | recipe tools
printf 'kind: tree\narch: arm64\ncontents: [{copy: files, to: /}]\n' | recipe tree
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: [{unpack: "tree:root.tar"}, {copy: "pki:keyring.pem", to: /etc/}]\n' | recipe system
cat <<'END' | recipe card
kind: disk
table: gpt
formats: [raw, bmap]
provenance: signed
reserved: [{name: env, at: 1M, size: 32K}, {name: env-2, at: 2M, size: 32K}]
partitions:
  - {name: root-a, type: root-arm64, from: system}
  - {name: root-b, type: root-arm64, from: system}
END
cat <<'END' | recipe device
kind: device
disk: card
compatible: ${compatible}
bootloader: {type: uboot, environment: [env, env-2], tries: 3}
slots: {rootfs: {boot: {A: root-a, B: root-b}}}
END
printf 'kind: pki\nkey: pki/private/signer.key\ncert: pki/signer.pem\nkeyring: pki/keyring.pem\n' | recipe pki
cat <<'END' | recipe bundle
kind: bundle
compatible: ${compatible}
version: ${project.version}
images: {rootfs: system}
sign: pki
tools: tools
provenance: signed
END
printf 'kind: release\nbundle: bundle\ncard: card\nnotes: NEWS.md\n' | recipe release
git init -q -b main . && git add . && git commit -q -m one
new() { sed -i "s/^version:.*/version: $1/" recipes/project.yaml && git commit -q -a -m "$1"; } # VERSION

# --- what is not fit to ship -------------------------------------------------------------------------
refused() { # NAME TEXT [EXIT]
	code "$1" "${3:-2}" "$orch" build release
	says "$1: why" "$2"
	same "$1: no release" no "$([ -e releases/1.0.0 ] && echo yes || echo no)"
	same "$1: nothing is left" '' "$(ls -A releases 2>/dev/null)"
}
refused untested 'no scenario has started what would be released.*\[release-tested\]'
code check-warns-in-good-time 0 "$orch" check
says check-names-it '^warning: recipes.release.yaml.*release-tested'
cat >>recipes/project.yaml <<'END'
check: {ignore: [{rule: release-tested, node: release, why: "tests/e2e/release.sh starts nothing"}]}
END
git commit -q -a -m two
sed -i '/^tools/d' recipes/bundle.yaml
refused programs-of-this-machine "node 'bundle' is made by programs of the machine that builds (rauc, mksquashfs).*\[release-tools\]"
git checkout -q recipes
echo 'writer: guestfs' >>recipes/system.yaml
refused kernel-of-this-machine "node 'system' takes the kernel of libguestfs' appliance from the machine.*\[release-tools\]"
git checkout -q recipes
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: [{copy: files, to: /}]\n' | recipe start
printf 'kind: vm\nfrom: start\nrun: ["echo made >/made"]\noutputs: {made: /made}\n' | recipe guest
sed -i 's/^contents: \[/&{copy: "guest:made", to: \/}, /' recipes/system.yaml
refused firmware-of-this-machine "node 'guest' takes the EFI firmware from the machine that builds.*\[release-tools\]"
printf 'kind: board\nmachine: virt\nfirmware: files/ours\nvariables: NEWS.md\n' | recipe board
echo 'board: board' >>recipes/guest.yaml
code a-board-brings-its-own 2 "$orch" build release
says but-its-qemu-is-this-machines "node 'board' is made by programs .*qemu-system-aarch64.* name a tree with QEMU in 'emulator'"
same its-firmware-is-not '' "$(grep 'EFI firmware' "$scratch/err")"
rm recipes/start.yaml recipes/guest.yaml recipes/board.yaml
git checkout -q recipes
sed -i 's/acme-gate/raspberrypi/' recipes/project.yaml
refused name-of-a-template "'raspberrypi' is what a template calls its device.*\[release-compatible\]"
git checkout -q recipes
echo 'sbom: []' >>recipes/bundle.yaml
refused without-a-bill "take 'sbom: \[\]' out of node 'bundle' \[release-documents\]"
git checkout -q recipes
sed -i 's/^version: .*/version: "2"/' recipes/bundle.yaml
refused other-version "the bundle of release '1.0.0' calls itself '2' \[release-version\]"
git checkout -q recipes
product_keys "development" >/dev/null 2>&1
git add pki && git commit -q -m keys
refused development-keys "made for development, 'CN = development .*\[release-keys\]"
rm -rf pki && cp -R "$scratch/product-keys" pki
git add pki && git commit -q -m keys
echo more >>files/ours
refused uncommitted "the project has changes that no commit has.*\[release-uncommitted\]"
git checkout -q files
git add -f pki/private && git commit -q -m oops
refused committed-key "'pki/private/signer.key' is a private key, and committed" 2
git rm -q --cached -r pki/private && git commit -q -m better
git rm -q --cached pki/keyring.pem && echo pki/keyring.pem >>.gitignore && git commit -q -a -m ignored
refused certificate-in-no-commit "'pki/keyring.pem' is in no commit.*git add -f"
git reset -q --hard HEAD~1
cp "$scratch/product-keys/keyring.pem" pki/ && git add pki && git commit -q --allow-empty -m again
mv .git "$scratch/git"
refused without-git "git does not keep this project"
mv "$scratch/git" .git

# --- what is in it -----------------------------------------------------------------------------------
code release 0 "$orch" build release
r=releases/1.0.0
check says-where grep -q "^released as $r\$" "$scratch/out"
same files "NEWS.md SHA256SUMS bundle.cdx.json bundle.provenance.dsse.json bundle.provenance.json bundle.raucb bundle.spdx.json card.cdx.json \
card.img card.img.bmap card.provenance.dsse.json card.provenance.json card.spdx.json device.json install.img keyring.pem orch pool \
project rebuild rebuild.sums release.dsse.json release.json" "$(cd $r && echo *)"
check sums sh -c "cd $r && sha256sum --quiet -c SHA256SUMS"
same all-are-summed '' "$(cd $r && find . -type f ! -name SHA256SUMS ! -name release.dsse.json | sed 's,^./,,' | LC_ALL=C sort >"$scratch/a"
	cut -c67- SHA256SUMS | LC_ALL=C sort | diff "$scratch/a" -)"
check card cmp $r/card.img out/card/card.img
same as-kind-shipped-knows-it card.img "$(readlink $r/install.img)"
check bundle cmp $r/bundle.raucb out/bundle/bundle.raucb
check devices-accept-it rauc info --keyring=$r/keyring.pem $r/bundle.raucb
same what-it-is "gate 1.0.0 acme-gate $(sha $r/bundle.raucb) $(sha $r/install.img) $(sha $r/device.json) NEWS.md" \
	"$(jq -r '[.project, .version, .compatible, .bundle.sha256, .card.sha256, .device.sha256, .notes.file] | join(" ")' \
		$r/release.json)"
check the-project sh -c "git archive HEAD | tar -t | grep -v '/\$' | LC_ALL=C sort >'$scratch/a' &&
	(cd $r/project && find . -type f | sed 's,^./,,' | LC_ALL=C sort) | diff '$scratch/a' -"
same no-key '' "$(grep -rlF -- "$(sed -n 3p pki/private/signer.key)" $r)"
same nobody-writes '' "$(find $r -type f -perm /222)"
for file in bundle.raucb card.img; do
	code "$file-verifies" 0 "$orch" verify --key "$scratch/who.pub" $r/$file
done

code verify-all 0 "$orch" verify --key "$scratch/who.pub" $r
lacks nobody-says-it-is-unsigned 'nobody has signed' "$scratch/out"
check says-of-what grep -q '^yes statement  release pkg:generic/gate@1.0.0$' "$scratch/out"
openssl genpkey -algorithm ed25519 | openssl pkey -pubout -out "$scratch/other.pub"
code another-signer 5 "$orch" verify --key "$scratch/other.pub" $r
code no-signer 5 "$orch" verify $r
changed() { # NAME TEXT COMMAND...: of a copy, in which the command changes something
	rm -rf "$scratch/bad"
	cp -R $r "$scratch/bad"
	chmod -R u+w "$scratch/bad"
	changed_name=$1
	changed_text=$2
	shift 2
	(cd "$scratch/bad" && "$@")
	code "$changed_name" 5 "$orch" verify --key "$scratch/who.pub" "$scratch/bad"
	check "$changed_name: is told" grep -q "^no  $changed_text" "$scratch/out"
}
changed another-file "file       'project/files/ours' was changed" sh -c 'echo >>project/files/ours'
changed one-more "file       'project/more' is no part of the release" touch project/more
changed one-less "file       'NEWS.md' is not here" rm NEWS.md
changed another-link "file       'install.img' was changed" ln -sf bundle.raucb install.img
changed a-link-for-a-file "file       'NEWS.md' was changed" sh -c 'mv NEWS.md x; ln -s x NEWS.md'
changed another-sum "file       'SHA256SUMS' was changed" sh -c 'echo >>SHA256SUMS'
changed another-card "subject    'card.img' was changed" sh -c 'printf x | dd of=card.img bs=1 seek=4000 conv=notrunc 2>/dev/null'
changed set-id "rights     'rebuild' has mode 4555: no file of a release is set-ID" chmod 4555 rebuild
changed set-id-of-a-group "rights     'rebuild' has mode 2555: no file of a release is set-ID" chmod 2555 rebuild
changed what-everybody-writes "rights     'NEWS.md' has mode 0646: everybody may write to it" chmod 646 NEWS.md
changed where-everybody-writes "rights     'project/files' has mode 0777: everybody may write to it" chmod 777 project/files
changed the-directory "rights     '\.' has mode 0777: everybody may write to it" chmod 777 .
changed no-envelope "signature  'release.dsse.json' is not there" rm release.dsse.json
changed another-payload 'signature ' sed -i 's/"payload": "./"payload": "B/' release.dsse.json

# --- it stays ----------------------------------------------------------------------------------------
find $r -type f -exec stat -c '%n %Y %i' {} + | sort >"$scratch/before"
code again 0 "$orch" build release
code the-long-way 0 "$orch" build release --json
find $r -type f -exec stat -c '%n %Y %i' {} + | sort | diff "$scratch/before" - >"$scratch/diff"
same it-is-left-alone '' "$(cat "$scratch/diff")"
echo changed >>files/ours
git commit -q -a -m three
code other-bytes 2 "$orch" build release
says are-no-release-of-that-version "'releases/1.0.0' is there with other bytes.*\[release-exists\]"
find $r -type f -exec stat -c '%n %Y %i' {} + | sort | diff "$scratch/before" - >"$scratch/diff"
same and-change-nothing '' "$(cat "$scratch/diff")"
new 1.1.0
printf 'kind: group\nnodes: [release]\n' | recipe everything
git add recipes && git commit -q -m group
# shellcheck disable=SC2317 # called by code
hidden() { (umask 077 && "$orch" build everything); }
code another-version,by-a-group 0 hidden
same readable-for-others '' "$(find releases/1.1.0 ! -perm -o=r ! -type l)"
same both '1.0.0 1.1.0' "$(cd releases && echo *)"
rm -rf releases/1.1.0
code one-that-was-removed 0 "$orch" build release
check is-laid-out-again test -e releases/1.1.0/SHA256SUMS

mv "$scratch/config/orch/who.key" "$scratch/"
new 1.2.0
code without-a-key 0 "$orch" build release
says is-not-signed "the release is not signed: there is no key '.*/who.key'"
same is-not-signed-indeed no "$([ -e releases/1.2.0/release.dsse.json ] && echo yes || echo no)"
mv "$scratch/who.key" "$scratch/config/orch/"

# --- who reads it ------------------------------------------------------------------------------------
code check-against 0 "$orch" check --against $r
sed -i 's/root-b, type/slot-b, type/' recipes/card.yaml
sed -i 's/B: root-b/B: slot-b/' recipes/device.yaml
code what-devices-have 2 "$orch" check --against $r
says is-kept "devices have a partition 'root-b', which is gone here"
git checkout -q recipes
{
	printf 'kind: shipped\nat: %s\ninstall: %s\n' $r "$(sha $r/install.img)"
	printf 'bundle: %s\ndevice: %s\n' "$(sha $r/bundle.raucb)" "$(sha $r/device.json)"
} | recipe shipped
code as-shipped 0 "$orch" build shipped
code against-the-node 0 "$orch" check --against shipped
code diff 0 "$orch" diff $r releases/1.1.0
check names-what-changed grep -q 'ours' "$scratch/out"
code inspect 0 "$orch" inspect $r/install.img --releases releases
check names-the-release grep -q '1\.0\.0' "$scratch/out"

# --- what is called as it likes ------------------------------------------------------------------------
git checkout -q . && git clean -q -f recipes
other() { # a clone with the keys
	cd "$p" || exit
	rm -rf "$scratch/other"
	git clone -q "$p" "$scratch/other" && cp -R "$p/pki/private" "$scratch/other/pki/"
	cd "$scratch/other" || exit
}
# try NAME TEXT: commits what is there, and no release is made of it.
try() {
	git add -A && git commit -q -m "$1"
	code "$1" 2 "$orch" build release
	says "$1: why" "$2"
	same "$1: no release" '' "$(ls -A releases 2>/dev/null)"
}
for version in .. ../../x a/b .x 'a b'; do
	other && sed -i "s|^version:.*|version: '$version'|" recipes/project.yaml
	try "version '$version'" 'a release is a directory that is called after its version'
done
same nothing-outside no "$([ -e "$scratch/x" ] && echo yes || echo no)"
for in in recipes .git/x out; do
	other && echo "in: $in" >>recipes/release.yaml
	try "in '$in'" 'has other uses: name a directory for releases alone'
done
other && mkdir recipes/tests && mv recipes/bundle.yaml recipes/tests/ && sed -i 's,bundle: bundle,bundle: tests/bundle,' recipes/release.yaml
sed -i 's/^default:.*/default: [card]/' recipes/project.yaml
try bundle-of-tests "'tests/bundle' is of tests"
other && mkdir recipes/tests && printf 'kind: run\nrun: ["mkdir x; tar -cf o.tar -C x ."]\noutputs: [o.tar]\n' >recipes/tests/host.yaml
sed -i 's,contents: .*,contents: [{unpack: "tree:root.tar"}\, {unpack: "tests/host:o.tar"}],' recipes/system.yaml
try part-of-tests "node 'tests/host' is made by programs of the machine"
other && cp "$scratch/root.key" pki/root.key
try key-beside-its-certificate "'pki/root.key' is a private key, and committed"
other && printf 'a\r\nb\r\n' >files/lines && echo 'files/lines text eol=crlf' >.gitattributes
try converted "'files/lines' is committed with other bytes"
for name in SHA256SUMS rebuild pool keyring.pem; do
	other && mkdir doc && echo note >"doc/$name" && sed -i "s,notes:.*,notes: doc/$name," recipes/release.yaml
	try "notes '$name'" "two things of the release are called '$name'"
done
other && mkdir recipes/a recipes/b && mv recipes/bundle.yaml recipes/a/x.yaml && mv recipes/card.yaml recipes/b/x.yaml
sed -i 's,bundle: bundle,bundle: a/x,; s,card: card,card: b/x,' recipes/release.yaml
sed -i 's,disk: card,disk: b/x,' recipes/device.yaml && sed -i 's,^default:.*,default: [a/x\, b/x],' recipes/project.yaml
try documents-of-one-name "two things of the release are called 'x.spdx.json'"
# A version like a temporary directory's name, of a process that is gone.
other
for version in 26.4194303.202611 26.4194303.202612; do new $version && code $version 0 "$orch" build release; done
same older-ones-stay '26.4194303.202611 26.4194303.202612' "$(cd releases && echo *)"
other && printf 'variants: {board: {one: {compatible: acme-one}, two: {compatible: acme-two}}}\n' >>recipes/project.yaml
# shellcheck disable=SC2016 # orch's variable
echo 'in: releases/${board}' >>recipes/release.yaml && git commit -q -a -m variants
code variants 0 "$orch" build release
same each-its-own 'acme-one acme-two' "$(jq -r .compatible releases/*/*/release.json | tr '\n' ' ' | sed 's/ $//')"
code one-of-them-again 0 releases/one/*/rebuild "$scratch/one"
check its-payload,-too grep -q '^out/payload.squashfs: OK$' "$scratch/out"
other && printf 'kind: run\ninputs: ["system:system.img"]\nrun: ["echo ok >v.txt"]\noutputs: [v.txt]\n' >recipes/tried.yaml
echo 'tested-by: ["tried:v.txt"]' | tee -a recipes/bundle.yaml >>recipes/release.yaml
git add -A && git commit -q -m tried
code one-verdict-named-twice 0 "$orch" build release
chmod u+w releases/*/card.img && : >"$(echo releases/*/card.img)"
code an-emptied-card 2 "$orch" build release --json
"$orch" -C "$p" --version >/dev/null && cd "$p" || exit 1

# --- years later -------------------------------------------------------------------------------------
# Another machine, as far as it can be one: no network, no orch, no project, nobody's settings.
mkdir "$scratch/it's: a #1"
mv releases/1.0.0 "$scratch/it's: a #1/kept"
r="$scratch/it's: a #1/kept"
mv "$p" "$scratch/gone"
mkdir "$scratch/later" && cd "$scratch/later" || exit 1
printf 'openssl_conf = x\n[x]\nproviders = p\n[p]\nother = o\n[o]\nmodule = /none.so\nactivate = 1\n' >"$scratch/openssl.cnf"
later() { env -i PATH=/usr/bin:/bin OPENSSL_CONF="$scratch/openssl.cnf" HOME="$scratch/later" unshare --map-current-user -n "$@"; }
code carried-orch 0 later "$r/orch/orch" --version
same is-this-one "$("$orch" --version)" "$(cat "$scratch/out")"
code rebuild 0 later "$r/rebuild" again
check says-that-it-is-the-same grep -q '^out/card/card.img: OK$' "$scratch/out"
check card-of-later cmp again/project/out/card/card.img "$r/card.img"
check root-of-later grep -q '^out/system/system.img: OK$' "$scratch/out"
check payload-of-later grep -q '^out/payload.squashfs: OK$' "$scratch/out"
unsquashfs -n -d "$scratch/payload" again/project/out/payload.squashfs >"$scratch/check.out" 2>&1
check which-is-what-devices-get cmp "$scratch/payload/rootfs.ext4" again/project/out/system/system.img
code nobody-else-made-it 1 rauc info --keyring="$r/keyring.pem" again/project/out/tests/rebuild/bundle/bundle.raucb
code in-2036 0 later env NO_FAKE_STAT=1 faketime "2036-06-01 10:00:00" "$r/rebuild" in-2036
check payload-of-2036 grep -q '^out/payload.squashfs: OK$' "$scratch/out"
code nothing-to-do-later 0 later "$r/rebuild" again
sed "s/build --keep-going/build --no-such-option/" "$r/rebuild" >"$r/rebuild.fails"
chmod 755 "$r/rebuild.fails"
code what-is-there-is-compared 0 later "$r/rebuild.fails" again
says and-the-failure-is-told "orch has ended with 2"
code and-what-is-not-there 1 later "$r/rebuild.fails" nothing
rm "$r/rebuild.fails"
cp -R "$r" "$scratch/changed"
chmod -R u+w "$scratch/changed"
echo more >>"$scratch/changed/project/files/ours"
code other-bytes-later 1 later "$scratch/changed/rebuild" other
check are-told grep -q '^out/card/card.img: FAILED$' "$scratch/out"
check of-the-payload,-too grep -q '^out/payload.squashfs: FAILED$' "$scratch/out"
cp "$r/project/files/ours" "$scratch/changed/project/files/ours"
echo 'description: other words' >>"$scratch/changed/project/recipes/bundle.yaml"
code another-manifest 1 later "$scratch/changed/rebuild" words
same is-another-payload 'out/payload.squashfs: FAILED' "$(grep ': FAILED' "$scratch/out")"
finish
