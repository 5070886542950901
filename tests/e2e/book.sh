#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The commands that README.md and docs/ show. Of all of them the program knows words and options; those that stand
# in blocks of the pages below are run, in the project of docs/example, as the table says. (What stands after a '$'
# in docs/howto, docs/first-bundle.md and docs/model.md is tried by tests/data.sh, to the letter.)
. tests/e2e/lib.sh
tree=$PWD
mkdir "$scratch/bin" "$scratch/home"
ln -s "$ORCH" "$scratch/bin/orch"
ln -s "${ORCH%/*}/orch-worker" "${ORCH%/*}/orch-launcher" "$scratch/bin/"
PATH=$scratch/bin:$PATH
export HOME="$scratch/home" XDG_CONFIG_HOME="$scratch/config" ORCH_STORE="$scratch/store" TZ=UTC LC_ALL=C.UTF-8
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a
unset CI GITHUB_ACTIONS GITLAB_CI ORCH_CACHE

# Without what explains them: two spaces, or '#'.
in_blocks() { sed -n -E '/^    (\$ )?(sudo )?orch /{s/^    (\$ )?(sudo )?//; s/  .*//; s/ #.*//; p}' "$@"; }
in_text() { cat "$@" | tr '\n' ' ' | grep -oE '`(sudo )?orch [a-z][^`]*`' | tr -d '`' | sed 's/^sudo //; s/  */ /g'; }

echo "# what the program knows"
pages="README.md HACKING.md $(echo docs/*.md docs/howto/*.md)"
# shellcheck disable=SC2086
{ in_blocks $pages && in_text $pages; } | sed -E 's/ [|&>].*//' | sort -u >"$scratch/lines"
check "many commands" test "$(wc -l <"$scratch/lines")" -gt 150
# An option that a sentence speaks of may be without its value.
unknown=$(while read -r line; do
	sh -c "$line --help" >/dev/null 2>&1 || sh -c "$line X --help" 2>&1 >/dev/null | sed "s|^|$line: |"
done <"$scratch/lines")
same "words and options" '' "$unknown"

echo "# what comes out"
cp -R docs/example "$scratch/gateway"
cd "$scratch/gateway" || exit 1
printf 'out/\npki/private/\n/releases/\n/old*\n/new*\n/card.img\n/*.json\n' >.gitignore
orch pki init >/dev/null && git init -q -b main && git add . && git commit -qm one && git tag v1.0.0 || exit 1
mkdir -p "$scratch/config/orch"
openssl genpkey -algorithm ed25519 -out "$scratch/config/orch/who.key"
chmod 600 "$scratch/config/orch/who.key"
openssl pkey -in "$scratch/config/orch/who.key" -pubout -out who.pub
echo 'provenance-key: who.key' >"$scratch/config/orch/config.yaml"
check "the first run" orch build bundle install device
mkdir -p releases/1.0.0 releases/1.1.0 old
cp out/bundle/* out/install/install.img out/device/device.json pki/keyring.pem releases/1.0.0/
cp out/install/install.img card.img
cp out/install/install.img old/
cp out/bundle/bundle.raucb old.raucb
echo gateway-7 >files/etc/hostname
printf 'kind: run\nrun: [exit 5]\noutputs: [x]\n' >recipes/broken.yaml
code "a run that fails" 1 orch build broken
rm recipes/broken.yaml
git add . && git commit -qm two
check "a run after an edit" orch build bundle install
cp out/bundle/bundle.raucb new.raucb
cp out/bundle/bundle.* releases/1.1.0/
cp out/bundle/bundle.* .
printf 'keys: [who.pub]\n' >release-policy.yaml
echo '[{"id": "CVE-1", "affected": []}]' >osv.json
echo '{"openssl": {"CVE-1": {"releases": {}}}}' >debian.json
export ORCH_CACHE="file://$scratch/cache"
mkdir "$scratch/cache"

# EXIT or 'elsewhere', and after ';' the name of the test or the command that this project has in place of the
# one before '='. What is in no row, or in a row too much, is a failure.
cat >"$scratch/table" <<'END'
orch pki init = elsewhere; data-howto
orch pki status = 0
orch plan = 0
orch build = 0
orch build --variant board=pc = elsewhere; data-howto/variant
orch why root = 0
orch changed --since main = 0
orch log = 0
orch runs = 0
orch diff git:v1.0.0 bundle what changed in a release: packages, files, rights, units, bytes to fetch = 0; orch diff git:v1.0.0 bundle
orch graph --format svg = 0
orch timings --html t.html = 0
orch image ls root:/etc = 0
orch size root ^1 = 0
orch inspect card.img = 0
orch sbom bundle = 0
orch verify FILE --key signer.pem = 0; orch verify bundle.raucb --key who.pub
orch query contains openssl releases/ = 0; orch query contains bundle releases/
orch query owner install /usr/bin/apt = 0; orch query owner install /etc/hostname
orch build release = elsewhere; e2e-release
orch check = 0
orch check --against DIR = 0; orch check --against releases/1.0.0
orch flash --list install = 0
orch flash install /dev/sdX writes the card, reads it back, fits the table to its size = elsewhere; e2e-flash
orch flash --provision factory install /dev/sdX /dev/sdY = elsewhere; data-howto/factory
orch publish bundle DIR --channel stable --percent 5 = 0; orch publish bundle www --channel stable --percent 5
orch publish packages DIR = elsewhere; data-howto/repository
orch shell u-boot = 0; orch shell app
orch boot install = elsewhere; e2e-boot
orch lock base --update = elsewhere; e2e-locks
orch lock --layout root = elsewhere; e2e-layout
orch lock --update --from trixie-security = elsewhere; e2e-pool
orch kinds image = 0
orch explain unknown-key = 0
orch store gc --size 20G = 0
orch cache push = 0
orch init --template ab-efi DIR = 0; orch init --template ab-efi ../pc
orch demo = elsewhere; e2e-demo
orch doctor = elsewhere; e2e-doctor
orch config = 0
orch convert genimage FILE = elsewhere; e2e-convert
orch completion bash = 0
orch image ls install = 0
orch image ls install:/root-a/etc = 0
orch image ls 'root:/usr/lib/**/*.so.*' = 0; orch image ls 'root:/usr/lib/**/*-release'
orch image cat root:/etc/fstab = 0
orch image cp root:/usr/share/doc /tmp/doc = 0; orch image cp root:/etc/rauc ../rauc
orch image ls bundle:/rootfs.ext4/ = 0
orch image cat bundle:/manifest.raucm = 0
orch image cat root:/etc/fstab -r ^1 = 0; orch image cat root:/etc/fstab -r ^2
orch image ls build:build.log = elsewhere; e2e-image
orch image ls ./card.img:/root-a = 0
orch size root = 0
orch size base ^1 = 0; orch size root ^2
orch size root -r ^1 ^5 = 0; orch size root -r ^0 ^2
orch size install:/root-a ./old/install.img:/root-a = 0
orch size base ^1 --exit-code = 3; orch size root ^2 --exit-code
orch timings = 0
orch timings ^1 = 0
orch timings --html times.html = 0
orch graph --format svg >graph.svg = 0
orch graph --format svg --focus system = 0
orch graph --focus system --depth 1 --json = 0
orch graph --format svg --no-status = 0
orch graph --format dot | dot -Tpdf = 0; orch graph --format dot
orch shell base = elsewhere; e2e-shell
orch shell root = elsewhere; e2e-shell
orch shell install:/root-a = elsewhere; e2e-shell
orch shell software = elsewhere; e2e-shell
orch sbom bundle --format spdx = 0
orch sbom install --format cyclonedx = 0
orch query contains openssl releases = 0; orch query contains bundle releases
orch query contains openssl=3.5.1-1 releases = elsewhere; e2e-sbom
orch query vulnerable debian.json releases = 0
orch query vulnerable osv.json releases --json = 0
orch query rdeps base = 0
orch repro install = 0
orch repro packages = 0; orch repro system
orch diff ^1 ^0 = 0; orch diff ^2 ^0
orch diff git:v1.0.0 git:HEAD = 0
orch diff git:v1.0.0 bundle = 0
orch diff run:12:root root = 0; orch diff run:1:root root
orch diff old.raucb new.raucb = 0
orch diff releases/1.0.0 releases/1.1.0 = 0
orch verify bundle.raucb --key signer.pem = 0; orch verify bundle.raucb --key who.pub
orch verify bundle.raucb --key who.pub = 0
orch verify bundle.raucb --policy release-policy.yaml = 0
orch verify releases/1.0.0 --key who.pub = elsewhere; e2e-release
orch inspect card.img --releases releases = 0
orch inspect /dev/sdX --releases releases = 0; orch inspect ./card.img --releases releases
orch check --against releases/1.0.0 = 0
orch plan --remote = 0
orch why --remote root = 0
orch build --remote-read = 0
orch build --remote-write = 0
orch build --remote-required = 0
orch build --fetch all = 0
orch build root = 0
orch build && orch cache push = 0
orch cache pull && orch build = 0
orch cache key ci.key = 0
END
cd "$tree" || exit 1
in_blocks README.md docs/looking.md docs/evidence.md docs/shipping.md docs/sharing.md | sort -u >"$scratch/shown"
sed 's/ = .*//' "$scratch/table" | sort >"$scratch/known"
same "commands of the pages that no row has" '' "$(comm -23 "$scratch/shown" "$scratch/known")"
same "rows that no page has" '' "$(comm -13 "$scratch/shown" "$scratch/known")"
cd "$scratch/gateway" || exit 1
while IFS= read -r row; do
	shown=${row%% = *} rest=${row##* = }
	expected=${rest%%;*} run=$shown
	if [ "$expected" = elsewhere ]; then continue; fi
	[ "$rest" = "$expected" ] || run=${rest#*; }
	code "$run" "$expected" sh -c "$run" </dev/null
done <"$scratch/table"
code "a bundle is another each time" 3 orch repro bundle
check "of which the cause is told" grep -q 'randomness: the signature' "$scratch/out"
check "the picture" grep -q '^<svg' graph.svg
check "the page of times" grep -q '<html' times.html
finish
