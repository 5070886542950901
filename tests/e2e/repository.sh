#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Repositories: what kind repository makes of packages, the same bytes each time; what is refused; how 'orch
# publish' lays it out; and another project that takes packages of it from a web server.
. tests/e2e/lib.sh
. tests/e2e/archive-lib.sh
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config" GNUPGHOME="$scratch/gpg"
p=$scratch/p
www=$scratch/www
tar=$p/out/repo/repository.tar
# shellcheck disable=SC2317 # called by check
o() { "$ORCH" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err" || { o_code=$?; cat "$scratch/err"; return "$o_code"; }; }
# shellcheck disable=SC2016
says() { check "$1" sh -c 'grep -q -F -e "$1" "$2" || { cat "$2"; exit 1; }' sh "$2" "$scratch/err"; }
recipe() { cat >"$p/recipes/$1.yaml"; } # NAME, text on stdin
# deb NAME VERSION [LINE...]
deb() {
	new_deb "$1" "$2"
	pack "$p/debs" "$@"
}
# new_key USER [SINCE]: an ed25519 key, of which the project gets both parts.
new_key() {
	[ -d "$GNUPGHOME" ] || mkdir -m 700 "$GNUPGHOME"
	gpg --batch --quiet --pinentry-mode loopback --passphrase '' ${2:+--faked-system-time "$2"} \
		--quick-gen-key "$1" ed25519 sign "${3:-never}" 2>/dev/null
	gpg --batch --yes --export-secret-keys "$1" >"$p/pki/private/$1.key"
	gpg --batch --yes --export "$1" >"$p/pki/$1.gpg"
}
# repo [LINE...]: the recipe of node 'repo', with more lines.
repo() {
	printf 'kind: repository\npackages: [debs/]\nsuite: stable\nvalid-for: 30d\nsign: repo-key\narchitectures: [amd64, arm64]\n' | recipe repo
	printf '%s\n' "$@" >>"$p/recipes/repo.yaml"
}
today=$(date -u +%Y-%m-%d)

mkdir -p "$p/recipes" "$p/pki/private" "$XDG_CONFIG_HOME/orch"
printf 'schema: 1\nname: maker\nversion: "1"\ndefault: [repo]\n' | recipe project
printf 'kind: pki\ntype: openpgp\nkey: pki/private/repo.key\nkeyring: pki/repo.gpg\n' | recipe repo-key
repo "date: $today"
deb edge-app 1.0 'Depends: libedge'
deb libedge 2:1.0-1 'Source: libedge-source (1.0)'

echo "# keys"
code "no key: exit 2" 2 o build
says "no key: how one is made" "gpg --quick-gen-key"
new_key repo
new_key other

echo "# what is made"
check "build" o build
(cd "$scratch" && mkdir r && tar -xf "$tar" -C r)
r=$scratch/r
same "files" "dists/stable/InRelease dists/stable/Release dists/stable/Release.gpg \
dists/stable/main/binary-amd64/Packages dists/stable/main/binary-amd64/Packages.xz \
dists/stable/main/binary-arm64/Packages dists/stable/main/binary-arm64/Packages.xz \
pool/main/e/edge-app/edge-app_1.0_all.deb pool/main/libe/libedge-source/libedge_1.0-1_all.deb" \
	"$(cd "$r" && find . -type f ! -path '*/by-hash/*' | sed 's|^\./||' | LC_ALL=C sort | xargs)"
same "lists by their digest" "2 2" "$(cd "$r/dists/stable/main" && for a in amd64 arm64; do
	(cd binary-$a/by-hash/SHA256 && for f in *; do [ "$(sha256sum <"$f" | cut -d' ' -f1)" != "$f" ] || echo "$f"; done) | wc -l; done | xargs)"
check "the sums of Release" sh -c "cd '$r/dists/stable' && sed -n '/^SHA256:/,\$ s/^ \\([0-9a-f]*\\) [0-9]* /\\1  /p' Release | sha256sum --status -c"
check "gpgv: InRelease" gpgv --quiet --keyring "$p/pki/repo.gpg" "$r/dists/stable/InRelease"
check "gpgv: Release" gpgv --quiet --keyring "$p/pki/repo.gpg" "$r/dists/stable/Release.gpg" "$r/dists/stable/Release"
(cd "$r" && dpkg-scanpackages -h sha256 pool 2>/dev/null) >"$scratch/scanned"
same "what dpkg-scanpackages says of the packages" "$(grep -E '^(Package|Filename|Size|SHA256|Depends):' "$scratch/scanned" | sort)" \
	"$(grep -E '^(Package|Filename|Size|SHA256|Depends):' "$r/dists/stable/main/binary-arm64/Packages" | sort)"
check "the lists, unpacked" sh -c "xz -dc '$r/dists/stable/main/binary-amd64/Packages.xz' | cmp - '$r/dists/stable/main/binary-amd64/Packages'"

echo "# the same bytes"
cp "$tar" "$scratch/first.tar"
chmod -R u+w "$ORCH_STORE" && rm -rf "$ORCH_STORE" "$p/out"
sleep 1
check "again, with an empty store" o build
check "are equal" cmp "$scratch/first.tar" "$tar"
sed -i 's/^architectures:.*/architectures: [arm64, amd64, arm64]/' "$p/recipes/repo.yaml"
check "an architecture that is named twice" o build
check "is there once" cmp "$scratch/first.tar" "$tar"
repo "date: $today"

echo "# what is refused"
# refused NAME CODE TEXT: a build fails so.
refused() {
	code "$1: exit $2" "$2" o build
	says "$1: says so" "$3"
}
cp "$p/pki/private/other.key" "$p/pki/private/repo.key"
sed -i 's/^valid-for.*/valid-for: 31d/' "$p/recipes/repo.yaml"
refused "a key that consumers do not trust" 5 "cannot be verified with the 'keyring' of its node"
gpg --batch --yes --export-secret-keys repo >"$p/pki/private/repo.key"
cp "$p/pki/repo.gpg" "$scratch/repo.gpg"
cp "$p/pki/private/other.key" "$p/pki/repo.gpg"
refused "a private key for everybody" 5 "holds a private key"
echo nothing >"$p/pki/repo.gpg"
refused "no keys at all" 5 "cannot read"
gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-gen-key weak rsa1024 sign never 2>/dev/null
gpg --batch --export weak >"$p/pki/repo.gpg"
refused "a weak key" 5 "too weak"
gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-gen-key weaker ed25519 sign never 2>/dev/null
fingerprint=$(gpg --with-colons --list-keys weaker | awk -F: '$1 == "fpr" { print $10; exit }')
gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-add-key "$fingerprint" rsa1024 sign never
gpg --batch --export weaker >"$p/pki/repo.gpg"
refused "a weak subkey, which signs as well" 5 "a signing subkey of '"
gpg --batch --quiet --pinentry-mode loopback --passphrase '' --faked-system-time 20200101T000000 --quick-gen-key old ed25519 sign 1y 2>/dev/null
gpg --batch --export old >"$p/pki/repo.gpg"
refused "an expired key" 5 "expired on 2020-12-31"
gpg --batch --quiet --pinentry-mode loopback --passphrase secret --quick-gen-key locked ed25519 sign never 2>/dev/null
gpg --batch --export locked >"$p/pki/repo.gpg"
gpg --batch --yes --pinentry-mode loopback --passphrase secret --export-secret-keys locked >"$p/pki/private/repo.key"
refused "a passphrase" 5 "without a passphrase"
cp "$scratch/repo.gpg" "$p/pki/repo.gpg"
gpg --batch --yes --export-secret-keys repo >"$p/pki/private/repo.key"
repo
refused "no date" 2 "date: 2026-01-31"
repo 'date: 2100-01-01'
refused "a date to come" 2 "is to come"
repo "date: $today"
mkdir "$p/debs/twice"
new_deb edge-app 1.0
echo other >"$deb/usr/share/edge-app/other"
pack "$p/debs/twice" edge-app 1.0
refused "one version twice" 2 "'edge-app' 1.0 (all) is there twice, with different bytes"
rm -r "$p/debs/twice"
mkdir "$p/debs/epochs"
for version in 1:0.5 2:1.0; do
	new_deb edge-app "$version"
	pack "$p/debs/epochs" edge-app "$version"
done
refused "an epoch that is all that differs" 2 "'edge-app' 1.0 (all) is there twice, with different bytes"
rm -r "$p/debs/epochs"
sed 's/^architectures:.*//' "$p/recipes/repo.yaml" >"$scratch/repo.yaml" && cp "$scratch/repo.yaml" "$p/recipes/repo.yaml"
refused "no architecture" 2 "name those of consumers by 'architectures'"
repo "date: $today"

echo "# published"
same "in an empty directory" "published suite 'stable' in $www: 2 packages added, 0 there already" \
	"$("$ORCH" -C "$p" publish repo "$www" 2>/dev/null | sed 's/, valid until.*//')"
check "is what was made" sh -c "cd '$www' && find . -type f ! -name '.orch*' -exec cmp {} '$r/{}' ';' | wc -l | grep -qx 0"
(umask 077 && o publish repo "$scratch/closed")
same "everybody can read it, whatever the umask" "" "$(find "$scratch/closed" ! -name '.orch*' ! -perm -044)"
code "once more" 0 o publish repo "$www"
check "is told as unchanged" grep -q "is published in $www as it is" "$scratch/out"
cp "$p/pki/private/repo.key" "$scratch/repo.key"
cp "$p/pki/private/other.key" "$p/pki/private/repo.key"
cp "$p/pki/other.gpg" "$p/pki/repo.gpg"
code "the same state, signed by another key" 0 o publish repo "$www"
check "is published" gpgv --quiet --keyring "$p/pki/other.gpg" "$www/dists/stable/InRelease"
cp "$scratch/repo.key" "$p/pki/private/repo.key"
cp "$scratch/repo.gpg" "$p/pki/repo.gpg"
code "and by the first" 0 o publish repo "$www"
check "is published, too" gpgv --quiet --keyring "$p/pki/repo.gpg" "$www/dists/stable/InRelease"
rm "$www/pool/main/e/edge-app/edge-app_1.0_all.deb"
code "a package that is gone" 0 o publish repo "$www"
check "comes again" test -f "$www/pool/main/e/edge-app/edge-app_1.0_all.deb"
mkdir -p "$scratch/foreign/dists/stable"
echo 'Origin: somebody' >"$scratch/foreign/dists/stable/InRelease"
code "a suite that has InRelease alone: exit 2" 2 o publish repo "$scratch/foreign"
check "is left as it was" grep -q somebody "$scratch/foreign/dists/stable/InRelease"
cp -R "$www" "$scratch/before"
deb edge-app 2.0
before=$(sha256sum <"$www/dists/stable/main/binary-arm64/Packages.xz" | cut -d' ' -f1)
code "another state" 0 o publish repo "$www" --json
same "what it added" "1 2 false" "$(jq -r '[.added, .kept, .unchanged] | join(" ")' "$scratch/out")"
check "the lists of the last state are there" test -f "$www/dists/stable/main/binary-arm64/by-hash/SHA256/$before"
check "packages of earlier states, too" test -f "$www/pool/main/e/edge-app/edge-app_1.0_all.deb"
rm "$p/debs/edge-app_1.0_all.deb"
check "without the first version" o publish repo "$www"
lacks "it is no longer listed" '^Version: 1\.0$' "$www/dists/stable/main/binary-arm64/Packages"
check "but there" test -f "$www/pool/main/e/edge-app/edge-app_1.0_all.deb"
check "the lists before the last are gone" test ! -e "$www/dists/stable/main/binary-arm64/by-hash/SHA256/$before"
same "nothing is left of the work" "" "$(find "$www" -name '*.orch-publish' -o -name .new)"
new_deb edge-app 2.0
echo other >"$deb/usr/share/edge-app/other"
pack "$p/debs" edge-app 2.0
find "$www" -type f ! -name .orch-publish.lock -exec sha256sum {} + | sort >"$scratch/before.sums"
code "one version with other bytes: exit 2" 2 o publish repo "$www"
says "one version with other bytes: says so" "edge-app_2.0_all.deb' was published with other bytes"
repo 'date: 2026-01-01'
code "an expired state: exit 5" 5 o publish repo "$scratch/nowhere"
says "an expired state: remedy" "give its recipe a 'date' of today"
deb edge-app 2.1
repo "date: $(date -u -d yesterday +%Y-%m-%d)"
code "an older state: exit 2" 2 o publish repo "$www"
says "an older state: says so" "apt believes no older one"
repo "date: $today" 'origin: somebody'
code "another origin: exit 2" 2 o publish repo "$www"
says "another origin: says so" "has a suite 'stable' of 'maker', and this one is of 'somebody'"
repo "date: $today"
find "$www" -type f ! -name .orch-publish.lock -exec sha256sum {} + | sort >"$scratch/after.sums"
check "nothing of it has changed the directory" cmp "$scratch/before.sums" "$scratch/after.sums"
code "a node of another kind: exit 2" 2 o publish repo-key "$www"
rm "$p/debs/edge-app_2.0_all.deb"
check "2.1 then" o publish repo "$www"

echo "# consumed by another project"
server=$scratch/server
mkdir -p "$server/tmp" "$scratch/q/recipes" "$scratch/q/keys"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$server/conf" <<END
daemon off; master_process off; pid $server/pid; error_log $server/error.log;
events {}
http {
	access_log off; client_body_temp_path $server/tmp; proxy_temp_path $server/tmp; fastcgi_temp_path $server/tmp;
	uwsgi_temp_path $server/tmp; scgi_temp_path $server/tmp;
	server { listen 127.0.0.1:$port; root $www; }
}
END
nginx -e "$server/error.log" -p "$server" -c "$server/conf" &
nginx=$!
trap 'kill $nginx; chmod -R u+rwx "$scratch"; rm -rf "$scratch"' EXIT
i=0
until python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$port" 2>/dev/null || [ $i = 50 ]; do
	i=$((i + 1))
	sleep 0.2
done
q=$scratch/q
printf 'schema: 1\nname: user\nversion: "1"\narchives:\n  edge: {suites: [stable], components: [main], keyring: keys/edge.gpg}\n' >"$q/recipes/project.yaml"
printf 'kind: debian\narch: amd64\npackages: [edge-app]\n' >"$q/recipes/n.yaml"
printf 'mirrors: {edge: "http://127.0.0.1:%s"}\n' "$port" >"$XDG_CONFIG_HOME/orch/config.yaml"
cp "$p/pki/repo.gpg" "$q/keys/edge.gpg"
# This machine's apt may believe expired states.
printf 'Dir::Etc::parts "%s";\n' "$scratch/none" >"$scratch/apt.conf"
export APT_CONFIG="$scratch/apt.conf"
# shellcheck disable=SC2317 # called by check
u() { "$ORCH" -C "$q" "$@" >"$scratch/out" 2>"$scratch/err" || { o_code=$?; cat "$scratch/err"; return "$o_code"; }; }
deb base-files 1 'Essential: yes'
deb usr-is-merged 1
check "what every tree needs, too" o publish repo "$www"
check "lock" u lock n
check "pins the package of the repository" grep -q '^package edge edge-app 2.1 all pool/main/e/edge-app/edge-app_2.1_all.deb ' "$q/recipes/n.lock"
deb edge-app 2.2
check "a newer one" o publish repo "$www"
check "is seen at once" u lock n --update
check "and pinned" grep -q '^package edge edge-app 2.2 ' "$q/recipes/n.lock"
cp "$q/recipes/n.lock" "$scratch/n.lock"

echo "# what a consumer refuses"
refuses() { # NAME TEXT: a lock is refused, and is as it was
	chmod -R u+w "$ORCH_STORE"
	rm -rf "$ORCH_STORE/apt"
	code "$1: exit 5" 5 u lock n --update
	says "$1: says so" "$2"
	check "$1: the lock is as it was" cmp "$scratch/n.lock" "$q/recipes/n.lock"
}
cp -R "$www/dists" "$scratch/dists"
cp "$p/pki/other.gpg" "$q/keys/edge.gpg"
refuses "a foreign repository" "is signed by a key that is not among its keys"
cp "$p/pki/repo.gpg" "$q/keys/edge.gpg"
rm "$www/dists/stable/InRelease" "$www/dists/stable/Release.gpg"
refuses "an unsigned one" "is not signed"
cp "$scratch/dists/stable/InRelease" "$www/dists/stable/"
sed -i 's/^Suite: stable/Suite: stabl3/' "$www/dists/stable/InRelease"
refuses "one that was changed" "edge"
cp -R "$scratch/dists/." "$www/dists/"
repo "date: 2026-01-01"
check "an old state is made" o build repo
rm -rf "$www/dists"
tar -C "$www" -xf "$tar"
refuses "an expired one" "expired"
finish
