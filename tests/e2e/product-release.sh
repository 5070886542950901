#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A product made from the reference project is released, and built again ten years later: with nothing but its
# release, without network, with no program of this machine's.
. tests/e2e/lib.sh
. tests/e2e/keys-lib.sh
[ -d _installed ] || { echo "no directory '_installed': tests/run.sh makes it"; exit 1; }
cp -R _installed/usr/local "$scratch/there"
orch=$scratch/there/bin/orch
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a
cd "$scratch" || exit 1
code made 0 "$orch" init --template ab-uboot --name acme --compatible acme-board p
cd p || exit 1
product_keys Acme >/dev/null 2>&1
code what-is-revoked 0 "$orch" pki crl --key "$scratch/root.key"
sed -i '/^\/pki\/\*\.pem/d' .gitignore
echo /releases/ >>.gitignore
printf 'kind: release\nbundle: bundle\ncard: install\n' >recipes/release.yaml
git init -q -b main . && git add . && git commit -q -m one
code released 0 "$orch" build release
r=$PWD/releases/1.0.0
openssl x509 -in pki/signer.pem -pubkey -noout >"$scratch/signer.pub"
code is-as-it-was-signed 0 "$orch" verify "$r" --key "$scratch/signer.pub"
rauc --keyring="$r/keyring.pem" info "$r/bundle.raucb" >"$scratch/info" 2>&1
check real-rauc-reads-it grep -q "^Compatible:.*'acme-board'" "$scratch/info"

mkdir "$scratch/later"
code is-built-again 0 env -i PATH=/usr/bin:/bin HOME="$scratch/later" NO_FAKE_STAT=1 unshare --map-current-user -n \
	faketime "2036-06-01 10:00:00" "$r/rebuild" "$scratch/later/again"
same to-the-same-bytes 'boot.img install.img payload.squashfs root.img' \
	"$(sed -n 's,^out/\(.*/\|\)\(.*\): OK$,\2,p' "$scratch/out" | LC_ALL=C sort | paste -sd ' ')"
finish
