#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Pools: what 'orch lock' keeps of an archive of this script's own, and that a fresh clone is built from it when the
# archive has dropped every version. And 'orch lock --update --from', which moves what one archive has newer.
. tests/e2e/lib.sh
. tests/e2e/archive-lib.sh
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config" GNUPGHOME="$scratch/gpg"
p=$scratch/p
own=$scratch/own
pool=$p/pool
config=$XDG_CONFIG_HOME/orch/config.yaml
# shellcheck disable=SC2317 # called by check
o() {
	"$ORCH" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err" && return
	o_code=$?
	cat "$scratch/err"
	return "$o_code"
}
says() { check "$1" grep -q -- "$2" "$scratch/err"; }
recipe() { cat >"$p/recipes/$1.yaml"; } # NAME, text on stdin
# deb NAME VERSION [more lines of its control file]...: with its source package, but for what says Source.
deb() {
	new_deb "$1" "$2"
	[ "$1$2" != base-files1 ] || dpkg_programs
	pack "$own/pool" "$@"
	case $* in *Source:*) ;; *) src "$1" "$2" ;; esac
}
# src NAME VERSION: a source package, a native one unless VERSION has a revision.
src() {
	d=$scratch/src/$1-${2#*:}
	rm -rf "$d"
	mkdir -p "$d/debian/source"
	case $2 in
	*-*)
		echo '3.0 (quilt)' >"$d/debian/source/format"
		v=${2#*:}
		tar -C "$d" --exclude=debian -czf "$own/pool/$1_${v%-*}.orig.tar.gz" .
		;;
	*) echo '3.0 (native)' >"$d/debian/source/format" ;;
	esac
	printf '%s (%s) stable; urgency=low\n\n  * Test.\n\n -- Nobody <nobody@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n' \
		"$1" "$2" >"$d/debian/changelog"
	printf 'Source: %s\nMaintainer: Nobody <nobody@example.org>\nStandards-Version: 4.6.2\n\nPackage: %s\nArchitecture: all\nDescription: test\n' \
		"$1" "$1" >"$d/debian/control"
	(cd "$own/pool" && dpkg-source -b "$d" >/dev/null 2>&1)
}
suite() { list_suite "$own" "$@"; } # SUITE DIRECTORY...
configure() { printf 'mirrors: {own: "file://%s", sec: "file://%s"}\n%s\n' "$own" "$own" "${1-}" >"$config"; }
# fresh: a clone of the project as it is, and an empty store; the pool is not in git.
fresh() {
	chmod -R u+w "$ORCH_STORE" 2>/dev/null
	rm -rf "$ORCH_STORE" "$scratch/clone"
	mkdir "$scratch/clone"
	cp -R "$p/recipes" "$p/keys" "$scratch/clone/"
}
in_clone() { # ARG...: orch there
	"$ORCH" -C "$scratch/clone" "$@"
}
file_of() { echo "$pool/sha256/$(printf %.2s "$1")/$1"; } # DIGEST
pinned() { awk -v n="$1" '$1 == "package" && $3 == n {print $8}' "$p/recipes/n.lock"; } # PACKAGE

mkdir -p "$p/recipes" "$p/keys" "${config%/*}"
check "a key" key own@example.org
gpg --batch --export >"$p/keys/own.gpg"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
default: [n]
pool: pool
archives:
  own: {suites: [trixie], components: [main], keyring: keys/own.gpg}
  sec: {suites: [trixie-security], components: [main], keyring: keys/own.gpg}
END
configure
deb base-files 1 'Essential: yes'
deb usr-is-merged 1
deb hello 1:2.10-3
deb libtool-data 1 'Source: odd-source (7)'
src odd-source 7
mkdir "$own/security"
check "an archive" suite trixie pool
check "and another" suite trixie-security security
printf 'kind: debian\narch: amd64\npackages: [hello, libtool-data]\nsources: [hello]\n' | recipe n

echo "# a pool is filled"
check "lock" o lock n
says "is told" "the pool 'pool' has [0-9]* new files"
same "every package that is locked" "" "$(awk '$1 == "package" {print $8}' "$p/recipes/n.lock" | while read -r d; do
	[ "$(sha256sum <"$(file_of "$d")" | cut -d' ' -f1)" = "$d" ] || echo "$d"; done)"
same "each file is what it is called" "" "$(find "$pool/sha256" -type f | while read -r f; do
	[ "$(sha256sum <"$f" | cut -d' ' -f1)" = "${f##*/}" ] || echo "$f"; done)"
check "by name, too" cmp "$pool/by-name/h/hello/hello_2.10-3_all.deb" "$own/pool/hello_2.10-3_all.deb"
check "a source by its own name" test -e "$pool/by-name/o/odd-source/odd-source_7.dsc"
check "with its packages" test -e "$pool/by-name/o/odd-source/libtool-data_1_all.deb"
same "links are relative" "" "$(find "$pool/by-name" -type l -lname '/*')"
for dsc in "$pool"/by-name/*/*/*.dsc; do
	name=$(basename "$dsc")
	# shellcheck disable=SC2016
	check "$name: files as it says" sh -ec 'cd "$(dirname "$1")"; sed -n "/^Checksums-Sha256:/,/^[^ ]/s/^ \([0-9a-f]*\) [0-9]* /\1  /p" "$1" >"$2"; [ -s "$2" ]; sha256sum --status -c "$2"' sh "$dsc" "$scratch/sums"
	check "$name: is unpacked" dpkg-source --no-check -x "$dsc" "$scratch/unpacked-$name"
done
find "$pool" -printf '%p %i %T@\n' | grep -v .parts | sort >"$scratch/before"
check "lock again" o lock n
find "$pool" -printf '%p %i %T@\n' | grep -v .parts | sort >"$scratch/after"
check "the lock is as it was" grep -q '^n: unchanged$' "$scratch/out"
check "nothing is written twice" cmp "$scratch/before" "$scratch/after"
check "nothing unfinished is left" test -z "$(ls -A "$pool/.parts/files")"
check "settings" sh -c "'$ORCH' -C '$p' config | grep -q '^pool  *pool '"

echo "# two fill one pool"
configure "pools: {debian: [\"$scratch/both\"]}"
for i in 1 2; do
	cp -R "$p" "$scratch/p$i"
	sed -i '/^pool:/d' "$scratch/p$i/recipes/project.yaml"
done
ORCH_STORE=$scratch/store1 "$ORCH" -C "$scratch/p1" lock n >"$scratch/out1" 2>&1 &
first=$!
check "one" env ORCH_STORE="$scratch/store2" "$ORCH" -C "$scratch/p2" lock n
check "and the other" wait $first
same "the same files" "$(cd "$pool/sha256" && find . -type f | sort)" "$(cd "$scratch/both/sha256" && find . -type f | sort)"
same "each as it is called" "" "$(find "$scratch/both/sha256" -type f | while read -r f; do
	[ "$(sha256sum <"$f" | cut -d' ' -f1)" = "${f##*/}" ] || echo "$f"; done)"
configure

echo "# a file of the pool is damaged"
hello=$(file_of "$(pinned hello)")
chmod u+w "$hello"
printf x | dd of="$hello" bs=1 seek=100 conv=notrunc 2>/dev/null
check "lock" o lock n
says "is told" "is damaged, and is replaced"
check "is replaced" cmp "$hello" "$own/pool/hello_2.10-3_all.deb"
rm "$hello"
ln -s /dev/zero "$hello"
check "lock, with a link in its place" o lock n
check "is a file again" test ! -L "$hello"

rm "$hello"
part=$pool/.parts/files/$(pinned hello)
code "a disk that fails: exit 7" 7 env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$scratch/trace" -P "$part" -e trace=fsync -e inject=fsync:error=EIO \
	"$ORCH" -C "$p" lock n
says "a disk that fails: said so" "cannot sync"
check "what may not be on the disk has no name" test ! -e "$hello"
check "lock" o lock n
check "has a name now" cmp "$hello" "$own/pool/hello_2.10-3_all.deb"

echo "# the archive has dropped every version"
check "build" o build --result-json "$result"
digests "$result" >"$scratch/digests"
cp -R "$own" "$scratch/old-own"
rm -f "$own"/pool/*
deb base-files 2 'Essential: yes'
deb usr-is-merged 2
deb hello 1:2.12-1
deb libtool-data 2
suite trixie pool
fresh
sed -i '/^pool:/d' "$scratch/clone/recipes/project.yaml"
code "no pool: exit 4" 4 in_clone build
says "no pool: package, version, remedy" "package '[a-z-]*' [^ ]* (all) is pinned by recipes/n.lock but archive 'own' has dropped it.*'pool: DIR' in recipes/project.yaml"
fresh
code "an empty pool: exit 4" 4 in_clone build
says "an empty pool: said so" "has dropped it, and no pool has it: run 'orch lock n'"
fresh
cp -R "$pool" "$scratch/clone/"
check "a fresh clone with the pool" in_clone build --result-json "$result"
check "makes the same" sh -c "jq -r '.nodes[] | .name + \" \" + (.outputs[] | .name + \" \" + .digest)' '$result' | sort | cmp - '$scratch/digests'"
fresh
cp -R "$pool" "$scratch/clone/"
check "offline, too" in_clone --offline build
fresh
configure "pools: {debian: [\"$pool\"]}"
sed -i '/^pool:/d' "$scratch/clone/recipes/project.yaml"
check "from a pool of the user's" in_clone build
check "doctor" sh -c "'$ORCH' -C '$scratch/clone' doctor | grep -q '^ok  *pool  *$pool: is filled'"
check "his settings" sh -c "'$ORCH' -C '$scratch/clone' config | grep -q '^pools.debian '"
fresh
configure "pools: {own: [\"file://$pool\"]}"
sed -i '/^pool:/d' "$scratch/clone/recipes/project.yaml"
check "from a URL" in_clone build
configure
cp "$p/recipes/n.lock" "$scratch/n.lock"
check "lock" o lock n
check "moves nothing that the pool has" cmp "$scratch/n.lock" "$p/recipes/n.lock"
check "nor without lists" sh -c "chmod -R u+w '$ORCH_STORE'; rm -rf '$ORCH_STORE'; '$ORCH' -C '$p' lock n && cmp '$scratch/n.lock' '$p/recipes/n.lock'"

echo "# a release holds what it was locked to"
fresh
cp -R "$pool" "$scratch/clone/"
q=$scratch/clone
printf 'kind: image\nfilesystem: ext4\nsize: 256M\ncontents: [{unpack: "n:root.tar"}]\n' >"$q/recipes/root.yaml"
cat >"$q/recipes/card.yaml" <<'END'
kind: disk
reserved: [{name: env, at: 1M, size: 32K}, {name: env-2, at: 2M, size: 32K}]
partitions: [{name: root-a, type: root-x86-64, from: root}, {name: root-b, type: root-x86-64, from: root}]
END
cat >"$q/recipes/device.yaml" <<'END'
kind: device
disk: card
compatible: acme-gate
bootloader: {type: uboot, environment: [env, env-2], tries: 3}
slots: {rootfs: {boot: {A: root-a, B: root-b}}}
END
printf 'kind: pki\nkey: pki/private/signer.key\ncert: pki/signer.pem\nkeyring: pki/keyring.pem\n' >"$q/recipes/pki.yaml"
printf 'kind: bundle\ncompatible: acme-gate\nversion: "1"\nimages: {rootfs: root}\nsign: pki\n' >"$q/recipes/bundle.yaml"
printf 'kind: release\nbundle: bundle\ncard: card\n' >"$q/recipes/release.yaml"
cat >>"$q/recipes/project.yaml" <<'END'
check:
  ignore:
    - {rule: release-keys, why: "this script is about packages"}
    - {rule: release-tools, why: "this script is about packages"}
    - {rule: release-tested, why: "this script is about packages"}
END
printf 'out/\nreleases/\npki/private/\npool/\n' >"$q/.gitignore"
in_clone pki init >/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a
(cd "$q" && git init -q && git add . && git commit -q -m one)
code "programs of this machine" 0 in_clone check
check "are told: dpkg-source" grep -q "note: .*node 'n' has its sources unpacked by the dpkg-source of the machine.*\\[release-tools\\]" "$scratch/err"
code "release" 0 in_clone build release
r=$q/releases/1
same "every package that is locked" "" "$(awk '$1 == "package" {print $8}' "$q/recipes/n.lock" | while read -r d; do
	[ "$(sha256sum <"$r/pool/sha256/$(printf %.2s "$d")/$d" | cut -d' ' -f1)" = "$d" ] || echo "$d"; done)"
same "by name, with their sources" "base-files_1.dsc base-files_1.tar.xz base-files_1_all.deb \
hello_2.10-3.debian.tar.xz hello_2.10-3.dsc hello_2.10-3_all.deb hello_2.10.orig.tar.gz libtool-data_1_all.deb odd-source_7.dsc odd-source_7.tar.xz usr-is-merged_1.dsc usr-is-merged_1.tar.xz \
usr-is-merged_1_all.deb" "$(find "$r/pool/by-name" -type l -printf '%f\n' | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
same "and no link leads to nothing" "" "$(find "$r" -xtype l)"
# A source of which one file is gone: the others are kept, and it is told.
orig=$(readlink -f "$q/pool/by-name/o/odd-source/odd-source_7.tar.xz")
mv "$orig" "$scratch/orig"
mv "$r" "$scratch/whole"
code "without a file of a source" 0 in_clone build release
check "is told" grep -q 'the release is without 1 source packages' "$scratch/err"
same "the others of it are there" "libtool-data_1_all.deb odd-source_7.dsc" \
	"$(find "$r/pool/by-name/o/odd-source" -type l -printf '%f\n' | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
chmod -R u+w "$r" && rm -rf "$r"
mv "$scratch/orig" "$orig"
mv "$scratch/whole" "$r"
mv "$r" "$scratch/kept"
mv "$q" "$scratch/gone"
mkdir "$scratch/later"
# Ten years later: what is fetched, signed or believed by date is over.
later() {
	env -i PATH=/usr/bin:/bin HOME="$scratch/later" NO_FAKE_STAT=1 unshare --map-current-user -n faketime "2036-06-01 10:00:00" "$@"
}
code "is built again without archive, network and orch" 0 later "$scratch/kept/rebuild" "$scratch/later"
check "to the same bytes" grep -q '^out/root/root.img: OK$' "$scratch/out"
mv "$scratch/gone" "$q"
sed -i '/^pool:/d' "$q/recipes/project.yaml"
(cd "$q" && git commit -q -a -m two)
chmod -R u+w "$ORCH_STORE"
rm -rf "$ORCH_STORE/downloads"
code "without pool and downloads: exit 2" 2 in_clone build release
says "what lacks, and the remedy" "node 'n' pins package .*, which no pool has and no build here has downloaded: name a 'pool'"

echo "# a file of a recipe"
f=$scratch/clone/recipes/file.yaml
fresh
mkdir -p "$scratch/clone/pool/sha256/$(printf fetched | sha256sum | cut -c1-2)"
printf fetched >"$scratch/clone/pool/sha256/$(printf fetched | sha256sum | cut -c1-2)/$(printf fetched | sha256sum | cut -d' ' -f1)"
printf 'kind: fetch\nurl: file:///nowhere/file\nsha256: %s\n' "$(printf fetched | sha256sum | cut -d' ' -f1)" >"$f"
check "is in the pool" in_clone build file
same "which has its bytes" fetched "$(cat "$scratch/clone/out/file/file")"
mv "$scratch/clone/pool" "$scratch/clone/served"
chmod -R u+w "$ORCH_STORE"
rm -rf "$ORCH_STORE"
configure "pools: {own: [\"file://$scratch/clone/served\"]}"
check "or behind a URL" in_clone build file
configure

echo "# and the pool is damaged"
fresh
cp -R "$pool" "$scratch/clone/"
bad=$scratch/clone/pool/sha256/$(pinned hello | cut -c1-2)/$(pinned hello)
chmod u+w "$bad"
printf x | dd of="$bad" bs=1 seek=100 conv=notrunc 2>/dev/null
code "exit 5" 5 in_clone build
says "is told" "package 'hello' 1:2.10-3 (all) is pinned by recipes/n.lock, archive 'own' has dropped it, and '.*pool/sha256/.*' of the pool has other bytes"
check "nothing is kept of it" test ! -e "$ORCH_STORE/downloads/$(pinned hello)"
fresh
cp -R "$pool" "$scratch/clone/"
rm -rf "$scratch/clone/pool/sha256"
mkdir "$scratch/elsewhere"
ln -s "$scratch/elsewhere" "$scratch/clone/pool/sha256"
code "a pool that leads out of the project: exit 2" 2 in_clone lock n --update
says "is told" "is a link, and nothing is written through a link"
empty "and nothing is written there" "$scratch/elsewhere"
sed 's/^pool: .*/pool: ..\/pool/' "$p/recipes/project.yaml" >"$scratch/clone/recipes/project.yaml"
code "a path out of the project: exit 2" 2 in_clone plan
says "a path out of the project: remedy" "project.yaml:5:7: .*'pool' is a directory of the project"
configure 'pools: {debian: ["ftp://example.org/"]}'
code "another scheme: exit 2" 2 in_clone plan
configure

echo "# what one archive has newer"
sed -i '/^pool:/d' "$p/recipes/project.yaml"
rm -rf "$p/recipes/n.lock" "$own/pool"
deb base-files 1 'Essential: yes'
deb usr-is-merged 1
deb lib 1.0
deb lib-dev 1.0 'Source: lib' 'Depends: lib (= 1.0)'
deb app 1.0 'Depends: lib'
deb other 1.0
suite trixie pool
printf 'kind: debian\narch: amd64\npackages: [app, lib-dev, other]\nsources: [lib]\n' | recipe n
check "lock" o lock n
cp "$p/recipes/n.lock" "$scratch/first"
deb app 2.0 'Depends: lib (>= 2.0)'
deb lib 2.0
deb lib-dev 2.0 'Source: lib' 'Depends: lib (= 2.0)'
deb other 2.0
suite trixie pool
mv "$own/pool" "$own/main"
deb lib 1.1
deb lib-dev 1.1 'Source: lib' 'Depends: lib (= 1.1)'
deb other 0.9
rm -rf "$own/security"
mv "$own/pool" "$own/security"
mv "$own/main" "$own/pool"
suite trixie-security security
cat >"$scratch/tracker.json" <<'END'
{"lib": {"CVE-2026-0001": {"releases": {"trixie": {"status": "resolved", "fixed_version": "1.1"}}},
         "CVE-2026-0002": {"releases": {"trixie": {"status": "resolved", "fixed_version": "2.0"}}},
         "CVE-2026-0003": {"releases": {"trixie": {"status": "resolved", "fixed_version": "0.9"}}},
         "CVE-2026-0004": {"releases": {"trixie": {"status": "open"}}}},
 "other": {"CVE-2026-0005": {"releases": {"trixie": {"status": "resolved", "fixed_version": "2.0"}}}}}
END
cat >"$scratch/osv.json" <<'END'
[{"id": "DSA-1-1", "upstream": ["CVE-2026-0001", "CVE-2026-0006"], "affected": [{"package": {"ecosystem": "Debian:13",
 "name": "lib"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}]}]}]
END
code "without --update: exit 2" 2 o lock n --from trixie-security
says "without --update: said so" "give both"
code "no such archive: exit 2" 2 o lock n --update --from trixie-securty
says "no such archive: a near one" "did you mean 'trixie-security'"
check "lock" o lock n --update --from trixie-security --advisories "$scratch/tracker.json" --json
rest() { grep -vE '^(date|digest) | lib(-dev)? 1|^want source:lib ' "$1"; }
rest "$scratch/first" >"$scratch/rest"
same "nothing else moves" "$(cat "$scratch/rest")" "$(rest "$p/recipes/n.lock")"
same "what moves, and what that fixes" "package lib 1.0 1.1 CVE-2026-0001
package lib-dev 1.0 1.1 CVE-2026-0001
source lib 1.0 1.1 CVE-2026-0001" \
	"$(jq -r '.nodes[].moves[] | [.type, .name, .was, .now, .fixes[]] | join(" ")' "$scratch/out")"
same "with the archive, and the source" "lib 1.0 1.1 own" \
	"$(jq -r '.nodes[].moves[] | select(.name == "lib-dev") | [.source, ."source-was", ."source-now", .archive] | join(" ")' "$scratch/out")"
cp "$scratch/first" "$p/recipes/n.lock"
check "as a table" o lock n --update --from trixie-security --advisories "$scratch/osv.json"
check "names advisory and vulnerabilities" grep -qE '^lib +1.0 +1.1 +own +n +DSA-1-1 \(CVE-2026-0001, CVE-2026-0006\)$' "$scratch/out"
cp "$p/recipes/n.lock" "$scratch/by-suite"
cp "$scratch/first" "$p/recipes/n.lock"
check "by the archive's name" o lock n --update --from sec
check "the same" cmp "$scratch/by-suite" "$p/recipes/n.lock"
check "once more" o lock n --update --from trixie-security
check "has nothing newer" grep -q "'trixie-security' has nothing that is newer" "$scratch/out"
cp "$scratch/first" "$p/recipes/n.lock"
check "one package of it" o lock n --update lib --from own
check "goes to the newest of the archive" grep -q '^package own lib 2.0 ' "$p/recipes/n.lock"
check "with what must go along" grep -q '^package own lib-dev 2.0 ' "$p/recipes/n.lock"
check "and nothing else" grep -q '^package own other 1.0 ' "$p/recipes/n.lock"
cp "$scratch/first" "$p/recipes/n.lock"
rm "$own/pool/other_1.0_all.deb"
suite trixie pool
code "another pin is gone: exit 4" 4 o lock n --update --from trixie-security
says "another pin is gone: remedy" "'other' is pinned to 1.0, but archive 'own' no longer has 1.0, and --from moves nothing but .*run 'orch lock n' first"
check "nothing is written" cmp "$scratch/first" "$p/recipes/n.lock"
code "no list of vulnerabilities: exit 2" 2 o lock n --update --advisories "$p/recipes/n.yaml"
check "nothing is written" cmp "$scratch/first" "$p/recipes/n.lock"
finish
