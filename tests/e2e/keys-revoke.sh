#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A stolen signing key is not good for ever: with the real rauc, at four clocks, what devices take and
# refuse before and after a revocation; a CA whose key is in a token; the page docs/keys.md, whose
# commands are run.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$p/files"
printf 'schema: 1\nname: demo\nversion: "1"\ndefault: [bundle]\n' >"$p/recipes/project.yaml"
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: [{copy: files/, to: /}]\n' >"$p/recipes/root.yaml"
printf 'kind: pki\nkey: pki/private/signer.key\ncert: pki/signer.pem\nkeyring: pki/keyring.pem\n' >"$p/recipes/pki.yaml"
printf 'kind: bundle\ncompatible: demo\nversion: "1"\nimages: {rootfs: root}\nsign: pki\n' >"$p/recipes/bundle.yaml"
date >"$p/files/day"
head -c 30000 /dev/urandom >"$p/files/noise" # rauc packs no less
# shellcheck disable=SC2317 # called by check and code
o() { "$orch" -C "$p" "$@"; }
says() { check "$1" grep -q -- "$2" "$scratch/out" "$scratch/err"; }

# device NAME: one with the keyring of now, NAME.pem and NAME.conf.
device() {
	cp "$p/pki/keyring.pem" "$scratch/$1.pem"
	printf '[system]\ncompatible=demo\nbootloader=noop\n[keyring]\npath=%s\ncheck-purpose=codesign\n%s\n%s\n[slot.rootfs.0]\ndevice=/dev/null\n' \
		"$scratch/$1.pem" "use-bundle-signing-time=true" "check-crl=${2:-true}" >"$scratch/$1.conf"
}
at() { NO_FAKE_STAT=1 faketime "$@"; }
# answers DEVICE BUNDLE: what it says of it with clocks of 1971, now, 2042 and 2050; each once.
answers() {
	for day in 1971-06-01 "+1 hour" 2042-01-01 2050-01-01; do
		at "$day" rauc -c "$scratch/$1.conf" info "$scratch/$2.raucb" 2>&1 |
			grep -oE -m1 'Verified|certificate revoked|has expired|not yet valid|unable to get certificate CRL|self.signed certificate' ||
			echo nothing
	done | sort -u | tr '\n' ' '
}
mkdir "$scratch/content"
head -c 20000 /dev/urandom >"$scratch/content/rootfs.img"
printf '[update]\ncompatible=demo\nversion=9\n[bundle]\nformat=verity\n[image.rootfs]\nfilename=rootfs.img\n' \
	>"$scratch/content/manifest.raucm"
# signed NAME KEY CERTS [DAY]: a bundle of nobody's, signed on that day.
signed() {
	sed '/END CERT/q' "$3" >"$scratch/leaf.pem"
	sed '1,/END CERT/d' "$3" >"$scratch/above.pem"
	above=
	[ ! -s "$scratch/above.pem" ] || above=--intermediate=$scratch/above.pem
	at "${4:-+0 days}" rauc bundle --cert="$scratch/leaf.pem" --key="$2" ${above:+"$above"} \
		"$scratch/content" "$scratch/$1.raucb" >"$scratch/rauc.log" 2>&1 || cat "$scratch/rauc.log"
}
# request NAME: a key, and a request for a certificate of it.
request() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$scratch/$1.key" \
		-out "$scratch/$1.csr" 2>/dev/null
}

echo "# the first day"
check "pki init" o pki init
same "a list of each CA" 4 "$(grep -c 'BEGIN X509 CRL' "$p/pki/keyring.pem")"
code "status" 0 o pki status
same "tells all" 6 "$(tail -n +2 "$scratch/out" | wc -l)"
check "the first bundle" o build
cp "$p/out/bundle/bundle.raucb" "$scratch/first.raucb"
device first
device trusting false
request second
code "another signer, of a request" 0 o pki sign-request "$scratch/second.csr" --ca pki/signer.pem
cp "$scratch/out" "$scratch/second.pem"
signed second "$scratch/second.key" "$scratch/second.pem"
mkdir -p "$p/releases/1"
cp "$p/pki/keyring.pem" "$p/releases/1/"

echo "# a thief, who dates a bundle back from the year 2040 to when the certificate was valid"
cp "$p/pki/private/signer.key" "$p/pki/signer.pem" "$scratch/"
signed thief "$scratch/signer.key" "$scratch/signer.pem" "+100 days"
for b in first second thief; do
	same "before the revocation a device takes it: $b" "Verified " "$(answers first "$b")"
done

echo "# revoked"
code "revoke" 0 o pki revoke pki/signer.pem
device revoked
same "still a list of each CA" 4 "$(grep -c 'BEGIN X509 CRL' "$p/pki/keyring.pem")"
code "once more" 0 o pki revoke pki/signer.pem
says "is told" "is revoked since"
code "nothing is signed with it" 5 o build
says "is told" "was revoked by.*certificate-revoked"
for b in thief first; do # OpenSSL does not ask when it was revoked
	same "refused: $b" "certificate revoked " "$(answers revoked "$b")"
done
same "the other signer's is taken" "Verified " "$(answers revoked second)"
openssl req -new -key "$scratch/signer.key" -subj /CN=thief -out "$scratch/thief.csr"
code "its key gets no other certificate" 5 o pki sign-request "$scratch/thief.csr" --ca pki/signer.pem
says "is told" "is for the key of 'CN = development signer'"
cp "$p/pki/keyring.pem" "$scratch/one-list"
sed -n '/BEGIN X509 CRL/,$p' "$scratch/one-list" >"$scratch/revoked.lists"
{ cat "$scratch/first.pem" "$scratch/revoked.lists"; } >"$p/pki/keyring.pem" # as a merge leaves it
code "two lists of one CA" 5 o build pki
says "are told" "was revoked by\|there are 2 lists"
code "status knows both" 0 o pki status
says "all the same" "development signer .*revoked"
code "and one is made of them" 0 o pki crl
same "of each CA" 4 "$(grep -c 'BEGIN X509 CRL' "$p/pki/keyring.pem")"
device merged
same "which devices read" "certificate revoked " "$(answers merged thief)"
cp "$scratch/one-list" "$p/pki/keyring.pem"
for i in 1 2 3 4 5 6; do
	request "many$i"
	o pki sign-request "$scratch/many$i.csr" --ca pki/signer.pem >"$scratch/many$i.pem"
done
for i in 1 2 3 4 5 6; do o pki revoke "$scratch/many$i.pem" >/dev/null & done
wait
same "six at once" 7 "$(o pki status --json | jq '.certificates[] | select(.subject == "CN = development signing CA").list')"
cp "$scratch/one-list" "$p/pki/keyring.pem"
rm -f "$p"/pki/issued/*
device careless false
same "a device that asks no list takes the thief's" "Verified " "$(answers careless thief)"

echo "# another key"
code "renew" 0 o pki renew
check "signs" o build
cp "$p/out/bundle/bundle.raucb" "$scratch/renewed.raucb"
for d in first revoked trusting; do
	same "is taken: $d" "Verified " "$(answers $d renewed)"
done
code "status" 0 o pki status
says "tells the revoked one" "development signer .*revoked $(date +%Y)"
says "and what devices believe" "^1  *4 take the signer; still believe 1 that is revoked"
code "as JSON" 0 o pki status --json
same "the same" "true 4 1" "$(jq -r '.releases[0] | "\(.takes) \(.lists) \(.believes_revoked)"' "$scratch/out")"

echo "# the intermediate CA is stolen"
serial=$(jq -r '.certificates[] | select(.subject == "CN = development signing CA").serial' "$scratch/out")
code "revoke by serial number" 0 o pki revoke "$(printf %.10s "$serial")"
device no-intermediate
same "nothing below it is taken" "certificate revoked " "$(answers no-intermediate renewed)"
cp -R "$p/pki" "$scratch/pki.before"
sed '1,/END CERT/d' "$p/pki/signer.pem" | cat - "$scratch/no-intermediate.pem" >"$p/pki/keyring.pem"
sed -i '/END CERT/q' "$p/pki/signer.pem"
code "nor signed if the keyring alone has it" 5 o build pki
says "is told" "development signing CA' was revoked by"
rm -r "$p/pki"
mv "$scratch/pki.before" "$p/pki"
code "and nothing issued" 5 o pki renew
says "is told" "CA 'CN = development signing CA' is revoked"
request below-root
code "also with its key at hand" 5 o pki sign-request "$scratch/below-root.csr" --ca pki/signer.pem --key pki/private/intermediate.key
code "a signer below the root" 0 o pki sign-request "$scratch/below-root.csr" --ca pki/keyring.pem
cp "$scratch/out" "$scratch/below-root.pem"
signed below-root "$scratch/below-root.key" "$scratch/below-root.pem"
signed rollover "$p/pki/private/rollover-signer.key" "$p/pki/rollover-signer.pem"
for d in first revoked no-intermediate; do
	same "is taken: $d" "Verified " "$(answers $d below-root)"
	same "as is the second CA's: $d" "Verified " "$(answers $d rollover)"
done
code "a CA of the keyring is no matter of lists" 5 o pki revoke pki/keyring.pem
says "is told" "A CA is stolen"

echo "# what the lists have to be"
sed '/BEGIN X509 CRL/,/END X509 CRL/d' "$scratch/first.pem" >"$p/pki/keyring.pem"
device empty
same "without any, devices refuse all" "unable to get certificate CRL " "$(answers empty second)"
code "those that are missing" 0 o pki crl
device again
same "are made later, too" "Verified " "$(answers again second)"
request elsewhere
awk '/BEGIN X509 CRL/ { n++ } n < 2' "$p/pki/keyring.pem" >"$scratch/one" && cp "$scratch/one" "$p/pki/keyring.pem"
mv "$p/pki/private/rollover.key" "$scratch/"
code "of a CA whose key is not here" 2 o pki crl
says "the remedy is told" "orch pki crl --ca FILE --key KEY"
same "those of the others are made" 3 "$(grep -c 'BEGIN X509 CRL' "$p/pki/keyring.pem")"
cp -R "$p" "$scratch/same"
code "or with its key alone" 0 "$orch" -C "$scratch/same" pki crl --key "$scratch/rollover.key"
check "which is told" grep -q 'development rollover CA' "$scratch/out"
code "and its own where the key is" 0 o pki crl --ca "$(o pki status --json | jq -r '.certificates[] | select(.subject == "CN = development rollover CA").serial')" --key "$scratch/rollover.key"
same "then of all" 4 "$(grep -c 'BEGIN X509 CRL' "$p/pki/keyring.pem")"

echo "# the CA's key in a token"
mkdir -p "$scratch/tokens" "$scratch/config/orch" "$scratch/home/.config/softhsm2"
printf 'directories.tokendir = %s\nlog.level = ERROR\n' "$scratch/tokens" >"$scratch/home/.config/softhsm2/softhsm2.conf"
export HOME="$scratch/home" XDG_CONFIG_HOME="$scratch/config"
echo 'pkcs11-module: /usr/lib/softhsm/libsofthsm2.so' >"$scratch/config/orch/config.yaml"
echo 864209 >"$scratch/pin"
p=$scratch/t # another project
mkdir -p "$p/recipes"
cp "$scratch/p/recipes/project.yaml" "$p/recipes/"
check "pki init" o pki init
check "a token" softhsm2-util --init-token --free --label ca --pin 864209 --so-pin 4321
openssl pkcs8 -topk8 -nocrypt -in "$p/pki/private/intermediate.key" -out "$scratch/p8"
check "and the key in it" softhsm2-util --import "$scratch/p8" --token ca --label intermediate --id 01 --pin 864209
mv "$p/pki/private/intermediate.key" "$scratch/away.key"
token="pkcs11:token=ca;object=intermediate"
code "without the key" 2 o pki revoke pki/signer.pem
says "where it could be is told" "name it with --key"
code "without a PIN" 7 setsid "$orch" -C "$p" pki revoke pki/signer.pem --key "$token"
says "is told" "asks for a PIN.*pin-missing"
# OpenSSL's engine frees not all of its own then.
code "with a wrong one" 7 env ASAN_OPTIONS=detect_leaks=0 ORCH_PIN=111111 "$orch" -C "$p" pki revoke pki/signer.pem --key "$token"
code "with one that all can see" 2 o pki revoke pki/signer.pem --key "$token;pin-value=864209"
code "of the environment" 0 env ORCH_PIN=864209 "$orch" -C "$p" pki revoke pki/signer.pem --key "$token"
code "of a file that the address names" 0 o pki sign-request "$scratch/second.csr" --ca pki/signer.pem --key "$token?pin-source=file:$scratch/pin"
echo "pin-file: $scratch/pin" >>"$scratch/config/orch/config.yaml"
code "of one that the configuration names" 0 o pki renew --key "$token"
device token
signed token "$p/pki/private/signer.key" "$p/pki/signer.pem"
same "a device takes what comes of it" "Verified " "$(answers token token)"
openssl ec -in "$scratch/away.key" -aes128 -passout pass:864209 -out "$scratch/locked.key" 2>/dev/null
chmod 600 "$scratch/locked.key"
code "it unlocks a file, too" 0 o pki renew --key "$scratch/locked.key"

echo "# the signer's key in a token"
for program in p11-kit rauc; do # which tell all that they are told
	printf '#!/bin/sh\n{ echo "told %s: $*"; env; cat /proc/self/fd/[0-9][0-9][0-9]; } >&2\nexec /usr/bin/%s "$@"\n' $program $program >"$scratch/spy-$program"
done
mkdir "$scratch/spies"
for program in p11-kit rauc; do mv "$scratch/spy-$program" "$scratch/spies/$program"; done
chmod +x "$scratch"/spies/*
openssl pkcs8 -topk8 -nocrypt -in "$p/pki/private/signer.key" -out "$scratch/p8"
check "the key in the token" softhsm2-util --import "$scratch/p8" --token ca --label signer --id 02 --pin 864209
rm -r "$p/pki/private"
cp -R "$scratch/p/recipes" "$scratch/p/files" "$p/"
sed -i 's/^key:.*/key: "pkcs11:token=ca;object=signer"/' "$p/recipes/pki.yaml"
sed -i '/^pin-file/d' "$scratch/config/orch/config.yaml"
code "what needs no key" 0 o build pki root
code "without a PIN" 7 setsid "$orch" -C "$p" build
says "is told" "asks for a PIN.*pin-missing"
code "with a wrong one" 1 env ORCH_PIN=111111 "$orch" -C "$p" build
code "a bundle" 0 env ORCH_PIN=864209 PATH="$scratch/spies:$PATH" "$orch" -C "$p" build
cp "$p/out/bundle/bundle.raucb" "$scratch/by-token.raucb"
same "a device takes it" "Verified " "$(answers token by-token)"
"$orch" -C "$p" log bundle >"$scratch/log"
check "both programs were heard" sh -c 'grep -q "^told p11-kit: server" "$1" && grep -q "^told rauc: bundle" "$1"' sh "$scratch/log"
check "and where the token is" grep -q '^P11_KIT_SERVER_ADDRESS=' "$scratch/log"
lacks "the PIN is in no argument and no environment" 864209 "$scratch/log"
same "and in no file of the store" "" "$(grep -rl 864209 "$ORCH_STORE" "$p/out" || :)"
code "from a store whose path is longer than a socket's may be" 0 \
	env ORCH_PIN=864209 ORCH_STORE="$scratch/$(printf %0120d 0)" "$orch" -C "$p" build
mkdir "$scratch/ears" # and a home with the token's configuration, for repro's second build has none
printf '#!/bin/sh\nenv >>%s\nHOME=%s exec /usr/bin/p11-kit "$@"\n' "$scratch/heard" "$HOME" >"$scratch/ears/p11-kit"
chmod +x "$scratch/ears/p11-kit"
code "repro signs, too, with another signature" 3 env ORCH_PIN=864209 PATH="$scratch/ears:$PATH" "$orch" -C "$p" repro
says "and compares" "bundle: bundle.raucb differs"
check "p11-kit was heard" grep -q '^HOME=' "$scratch/heard"
lacks "the PIN is in no environment there" 864209 "$scratch/heard"
echo "pin-file: $scratch/pin" >>"$scratch/config/orch/config.yaml"
date >>"$p/files/day"
code "with the PIN of a file" 0 o build
same "nothing is left running" "" "$(processes "p11-kit.*$scratch")"
sed -i 's/signer"/signer;pin-value=864209"/' "$p/recipes/pki.yaml"
code "a PIN in a recipe" 2 o build
says "is refused" "a recipe says which key, and not how to get at it"

echo "# docs/keys.md"
mkdir "$scratch/bin" "$scratch/tried"
ln -s "$ORCH" "$scratch/bin/orch"
. tests/pages.sh
(
	cd tests || exit 1
	PATH=$scratch/bin:$PATH
	try_page docs/keys ../docs/keys.md "$scratch/tried"
) >"$scratch/told"
cat "$scratch/told"
if ! grep -q '^ok docs/keys' "$scratch/told"; then failures=$((failures + 1)); fi
finish
