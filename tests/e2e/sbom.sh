#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Bills of materials: packages as dpkg-query counts them, their sources, licences and files; what steps made
# and took; a file system without a database; both formats.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$p/files/etc" "$p/files/usr/lib/app" "$p/files/var/lib/dpkg/info" "$p/src" "$p/files/usr/bin"
cd "$p" || exit 1
recipe() { cat >"recipes/$1.yaml"; } # NAME, text on stdin
printf 'schema: 1\nname: bills\nversion: 1.2.0\ntimes: 1704067200\ndefault: [card]\n' | recipe project
db=files/var/lib/dpkg
printf 'ID=debian\nVERSION_CODENAME=trixie\n' >files/etc/os-release

# package NAME VERSION ARCH FIELDS FILE...: an entry of the database, and its files.
package() {
	name=$1 list=$db/info/$1.list
	case $4 in *same*) list=$db/info/$1:$3.list ;; esac
	printf 'Package: %s\nStatus: install ok installed\nVersion: %s\nArchitecture: %s\nMaintainer: %s\n%b\n' \
		"$1" "$2" "$3" 'The App Team <app@test.invalid>' "$4" >>$db/status
	shift 4
	echo /. >"$list"
	for file; do
		echo "/$file" >>"$list"
		mkdir -p "files/$(dirname "$file")"
		echo "$name" >"files/$file"
	done
}
package app '1:2.0~rc1+deb13u1' all 'Source: app-src (1:2.0~rc1)\nHomepage: https://app.test.invalid\n' \
	usr/bin/app usr/share/doc/app/copyright
package lib 1.0-1+b2 arm64 'Multi-Arch: same\nSource: lib (1.0-1)\n' usr/lib/lib.so usr/share/doc/lib/copyright
package lib 1.0-1+b2 amd64 'Multi-Arch: same\nSource: lib (1.0-1)\n' usr/lib/lib64.so
package plain 3 all 'Depends: app (>= 2), absent | lib (= 1.0-1+b2)\nPre-Depends: virtual\nBuilt-Using: lib (= 1.0-1)\nStatic-Built-Using: linked (= 4-1), linked (= 4-1)\n' usr/share/plain usr/share/doc/plain/copyright
printf 'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n\n' >>$db/status
# its files are there, configured or not
package waiting 1 all 'Provides: virtual (= 2)\n' usr/share/waiting
sed -i '/^Package: waiting/{n;s/ok installed/ok unpacked/}' $db/status
# another one's file that 'app' has put aside
printf '/usr/lib/lib.so\n/usr/lib/lib.so.aside\napp\n' >$db/diversions
mv files/usr/lib/lib.so files/usr/lib/lib.so.aside
cat >files/usr/share/doc/app/copyright <<'TEXT'
Format: https://test.invalid/copyright-format/1.0/
Upstream-Name: app

Files: *
Copyright: x
License: GPL-2+ or Expat, and BSD-3-clause

Files: data/*
Copyright: y
License: public-domain
 Nobody owns it.
 .
 At all.

License: Expat
 Do what you like.
TEXT
printf 'Format: https://test.invalid/copyright-format/1.0\n\nFiles: *\nCopyright: x\nLicense: LGPL-2.1+ with linking-exception\n\nLicense: LGPL-2.1+ with linking-exception\n As said.\n' \
	>files/usr/share/doc/lib/copyright
echo 'It is free, see /usr/share/common-licenses/GPL.' >files/usr/share/doc/plain/copyright
echo ours >files/etc/ours
latin=$(printf 'n\344me')
echo 'not UTF-8' >"files/etc/$latin"
echo 'int main;' >src/main.c
printf 'kind: tree\narch: arm64\ncontents: [{copy: files, to: /}, {copy: "made:app.bin", to: /usr/lib/app/}]\n' | recipe tree
printf 'kind: run\ninputs: [src]\nrun: cp src/main.c app.bin\noutputs: [app.bin]\n' | recipe made
printf 'kind: image\nfilesystem: ext4\nsize: 16M\ncontents: [{unpack: "tree:root.tar"}]\n' | recipe root
printf 'kind: image\nfilesystem: ext4\nsize: 16M\ncontents: [{unpack: "tree:root.tar"}]\nremove: [/var/lib/dpkg, /usr/share/plain, /usr/share/doc/plain]\n' |
	recipe bare
printf 'kind: image\nfilesystem: squashfs\nsize: auto\ncontents: [{unpack: "tree:root.tar"}]\n' | recipe squashfs
printf 'kind: disk\ntable: gpt\npartitions: [{name: root, type: linux-generic, from: root}]\n' | recipe card
code built 0 "$orch" build card bare tree squashfs

# --- beside results -----------------------------------------------------------------------------------
code spdx-of-the-card 0 "$orch" sbom card --format spdx
check written-beside cmp "$scratch/out" out/card/card.spdx.json
code cyclonedx-of-the-card 0 "$orch" sbom card --format cyclonedx
check both cmp "$scratch/out" out/card/card.cdx.json
cp out/card/card.[sc]*.json "$scratch/"
same only-what-is-delivered 'out/card/card.cdx.json out/card/card.provenance.json out/card/card.spdx.json' "$(echo out/*/*.json)"
# quiet NAME COMMAND...: it must not open an image again: no worker is started
quiet() {
	quiet_name=$1
	shift
	code "$quiet_name" 0 strace -E ASAN_OPTIONS=detect_leaks=0 -f -qq -e trace=execve -o "$scratch/trace" "$@"
	same "$quiet_name-looks-into-nothing" 0 "$(grep -c '"sbom"' "$scratch/trace")"
}
quiet nothing-to-do "$orch" build card
quiet nothing-to-do-the-long-way "$orch" build card --json
rm out/card/card.cdx.json
echo damaged >out/card/card.spdx.json
code damaged-and-removed 0 "$orch" build card
check again-cyclonedx cmp "$scratch/card.cdx.json" out/card/card.cdx.json
check again-spdx cmp "$scratch/card.spdx.json" out/card/card.spdx.json
key=$("$orch" plan card --json | jq -r '.nodes[] | select(.node == "card").key')
cp recipes/card.yaml "$scratch/card.yaml"
echo 'sbom: [spdx]' >>recipes/card.yaml
code one-format 0 "$orch" build card
check in-no-key grep -q 'built 0,' "$scratch/err"
same the-key-stays "$key" "$("$orch" plan card --json | jq -r '.nodes[] | select(.node == "card").key')"
same only-spdx out/card/card.spdx.json "$(echo out/card/card.[sc]*.json)"
echo 'sbom: []' | cat "$scratch/card.yaml" - >recipes/card.yaml
code none 0 "$orch" build card
same no-bill out/card/card.provenance.json "$(echo out/card/*.json)"
echo '{}' >out/card/card.spdx.json
code somebody-else-s-bill 0 "$orch" build --json
same is-not-named '[]' "$(jq -c .predicate.runDetails.byproducts out/card/card.provenance.json)"
check and-stays grep -qxF '{}' out/card/card.spdx.json
rm out/card/card.spdx.json
cp "$scratch/card.yaml" recipes/card.yaml
code back 0 "$orch" build card
# a source from which a step made the same is another bill of the same card
echo 'int  main;' >src/main.c
sed -i 's/^run:.*/run: tr -s " " <src\/main.c >app.bin/' recipes/made.yaml
code other-source 0 "$orch" build card
check card-is-the-same grep -q 'built 1,' "$scratch/err"
code spdx-of-it 0 "$orch" sbom card --format spdx
check follows-its-sources cmp "$scratch/out" out/card/card.spdx.json
mkdir "$scratch/documents"
code of-another-state 1 env ORCH_MADE_OF=00 "$orch" sbom card --output "$scratch/documents"
check says-that-it-changed grep -q 'the project was changed' "$scratch/err"
code into-a-directory 0 "$orch" sbom card --output "$scratch/documents"
check as-beside cmp out/card/card.spdx.json "$scratch/documents/card.spdx.json"

# bill NODE: as SPDX and as CycloneDX
bill() {
	code "spdx of $1" 0 "$orch" sbom "$1" --format spdx
	cp "$scratch/out" "$scratch/$1.spdx"
	code "cyclonedx of $1" 0 "$orch" sbom "$1" --format cyclonedx
	cp "$scratch/out" "$scratch/$1.cdx"
}
for node in card tree bare squashfs; do bill $node; done

# --- packages ----------------------------------------------------------------------------------------
# shellcheck disable=SC2016 # dpkg's own
want=$(dpkg-query --admindir="$PWD/$db" -W -f '${Package} ${Version} ${Architecture} ${db:Status-Status}\n' 2>/dev/null |
	sed -n -e '/ config-files$/d' -e '/ not-installed$/d' -e 's/ [^ ]*$//p' | sort)
# packages FILE: those of an SPDX document
packages() {
	jq -r '.packages[] | select(.SPDXID | startswith("SPDXRef-Package-")) | .name + " " + .versionInfo + " " +
		(.externalRefs[0].referenceLocator | capture("arch=(?<a>[^&]*)").a)' "$1" | sort
}
same as-dpkg-has-them "$want" "$(packages "$scratch/card.spdx")"
same of-the-tree "$want" "$(packages "$scratch/tree.spdx")"
same as-cyclonedx "$want" "$(jq -r '.components[] | select(.purl and (.purl | test("arch=source") | not)) | .name + " " + .version + " " +
	(.purl | capture("arch=(?<a>[^&]*)").a)' "$scratch/card.cdx" | sort)"
same of-squashfs "$want" "$(packages "$scratch/squashfs.spdx")"
# what has no file left is not there
same database-removed "$(echo "$want" | grep -v ^plain)" "$(packages "$scratch/bare.spdx")"
same says-whose-database true "$(jq '.packages[0].comment | test("no dpkg database: packages are those of .tree")' "$scratch/bare.spdx")"
# of FILE NAME FILTER
of() { jq -r --arg n "$2" ".packages[] | select(.name == \$n and (.SPDXID | startswith(\"SPDXRef-Package-\"))) | $3" "$1"; }
same purl 'pkg:deb/debian/app@1:2.0~rc1%2Bdeb13u1?arch=all&distro=trixie' \
	"$(of "$scratch/card.spdx" app '.externalRefs[0].referenceLocator')"
same source 'pkg:deb/debian/app-src@1:2.0~rc1?arch=source&distro=trixie' \
	"$(jq -r '.packages[] | select(.name == "app-src").externalRefs[0].referenceLocator' "$scratch/card.spdx")"
same one-source-of-both-libs 1 "$(jq '[.packages[] | select(.primaryPackagePurpose == "SOURCE" and .name == "lib")] | length' "$scratch/card.spdx")"
# what packages need, and what was built into them
needs='plain DEPENDS_ON app
plain DEPENDS_ON lib
plain DEPENDS_ON lib
plain DEPENDS_ON waiting
plain GENERATED_FROM lib 1.0-1
plain GENERATED_FROM linked 4-1
plain GENERATED_FROM plain 3'
same needs "$needs" "$(jq -r '(.packages | map({(.SPDXID): .}) | add) as $p | .relationships[] | $p[.spdxElementId].name as $n |
	select($n == "plain" and .relationshipType != "CONTAINS") | $p[.relatedSpdxElement] as $to |
	"\($n) \(.relationshipType) \($to.name)" + if .relationshipType == "DEPENDS_ON" then "" else " " + $to.versionInfo end' "$scratch/card.spdx" | sort)"
same needs-as-cyclonedx "$(echo "$needs" | cut -d' ' -f3 | sort)" "$(jq -r '(.components | map({(."bom-ref"): .name}) | add) as $n |
	.dependencies[] | select($n[.ref] == "plain").dependsOn[] | $n[.]' "$scratch/card.cdx" | sort)"
same linked-in-cyclonedx 'pkg:deb/debian/linked@4-1?arch=source&distro=trixie' \
	"$(jq -r '.components[] | select(.name == "linked").purl' "$scratch/card.cdx")"
same supplier 'Organization: The App Team (app@test.invalid)' "$(of "$scratch/card.spdx" app .supplier)"

# --- licences ----------------------------------------------------------------------------------------
id=$(jq -r '.hasExtractedLicensingInfos[] | select(.name == "public-domain").licenseId' "$scratch/card.spdx")
same licence "((GPL-2.0-or-later OR MIT) AND BSD-3-Clause) AND $id" "$(of "$scratch/card.spdx" app .licenseDeclared)"
same its-text 'Nobody owns it.

At all.' "$(jq -r '.hasExtractedLicensingInfos[] | select(.name == "public-domain").extractedText' "$scratch/card.spdx")"
same unknown-exception 'LGPL-2.1+ with linking-exception' \
	"$(jq -r --arg id "$(of "$scratch/card.spdx" lib .licenseDeclared | head -n 1)" '.hasExtractedLicensingInfos[] | select(.licenseId == $id).name' "$scratch/card.spdx")"
same not-machine-readable NOASSERTION "$(of "$scratch/card.spdx" plain .licenseDeclared)"

# --- files and what steps made -----------------------------------------------------------------------
same files-of-no-package './etc/n\xe4me
./etc/os-release
./etc/ours
./usr/lib/app/app.bin' "$(jq -r '.files[].fileName' "$scratch/card.spdx" | sort)"
same digest "$(sha256sum <files/etc/ours | cut -d' ' -f1)" \
	"$(jq -r '.files[] | select(.fileName == "./etc/ours").checksums[] | select(.algorithm == "SHA256").checksumValue' "$scratch/card.spdx")"
same verification-code "$(jq -r '.files[].checksums[] | select(.algorithm == "SHA1").checksumValue' "$scratch/card.spdx" | sort | tr -d '\n' | sha1sum | cut -d' ' -f1)" \
	"$(jq -r '.packages[] | select(.filesAnalyzed).packageVerificationCode.packageVerificationCodeValue' "$scratch/card.spdx")"
# relation FILE FROM TYPE TO: by the names of packages; true or false
relation() {
	jq --arg a "$2" --arg t "$3" --arg b "$4" '(.packages | map({(.SPDXID): .name}) | add) as $n |
		.relationships | any($n[.spdxElementId] == $a and .relationshipType == $t and $n[.relatedSpdxElement] == $b)' "$1"
}
same holds true "$(relation "$scratch/card.spdx" card CONTAINS root)"
same holds-what-a-step-made true "$(relation "$scratch/card.spdx" root CONTAINS made)"
same made-from true "$(relation "$scratch/card.spdx" made GENERATED_FROM src)"

# --- as a document -----------------------------------------------------------------------------------
same created 2024-01-01T00:00:00Z "$(jq -r .creationInfo.created "$scratch/card.spdx")"
bill card
cp "$scratch/card.spdx" "$scratch/again"
same nobody-is-named 'NOASSERTION null' "$(jq -r '.packages[0].supplier' "$scratch/card.spdx") $(jq -r .metadata.supplier "$scratch/card.cdx")"
same part-version 1.2.0 "$(jq -r '.packages[] | select(.name == "made").versionInfo' "$scratch/card.spdx")"
cp recipes/project.yaml "$scratch/project.yaml"
echo 'supplier: "Acme GmbH <security@acme.test>"' >>recipes/project.yaml
code supplier 0 "$orch" build card
same supplier-of-parts 'Organization: Acme GmbH (security@acme.test)' "$(jq -r '.packages[0].supplier' out/card/card.spdx.json)"
same supplier-as-creator 'Organization: Acme GmbH (security@acme.test)' "$(jq -r '.creationInfo.creators[1]' out/card/card.spdx.json)"
same supplier-in-cyclonedx 'Acme GmbH security@acme.test' \
	"$(jq -r '.metadata.supplier | .name + " " + .contact[0].email' out/card/card.cdx.json)"
same in-no-key-either 'built 0,' "$(grep -o 'built 0,' "$scratch/err")"
cp "$scratch/project.yaml" recipes/project.yaml

# --- asking many of them -----------------------------------------------------------------------------
mkdir -p "$scratch/releases/1.0.0" "$scratch/releases/1.2.0"
cp "$scratch/card.spdx" "$scratch/releases/1.2.0/card.spdx.json"
cp "$scratch/card.cdx" "$scratch/releases/1.2.0/card.cdx.json" # about the same: not read
cp "$scratch/bare.cdx" "$scratch/releases/1.0.0/card.cdx.json"
# found COMMAND...: its rows, as JSON has them, a line each
found() {
	"$orch" query "$@" --json | jq -r '.found[] | (.id // "-") + " " + .package + " " + .version + " " + (.fixed // "-") + " " +
		(.document | sub(".*/(?<d>[^/]*/[^/]*)$"; "\(.d)"))' | sort
}
same by-name '- app 1:2.0~rc1+deb13u1 - 1.0.0/card.cdx.json
- app 1:2.0~rc1+deb13u1 - 1.2.0/card.spdx.json' "$(found contains app "$scratch/releases")"
same by-source "$(found contains app "$scratch/releases")" "$(found contains app-src "$scratch/releases")"
same by-version '- lib 1.0-1+b2 - 1.2.0/card.spdx.json
- lib 1.0-1+b2 - 1.2.0/card.spdx.json' "$(found contains lib=1.0-1 "$scratch/releases/1.2.0")"
same linked-into-others '- linked 4-1 - 1.2.0/card.spdx.json' "$(found contains linked "$scratch/releases/1.2.0")"
mkdir "$scratch/cyclonedx"
cp "$scratch/card.cdx" "$scratch/cyclonedx/card.cdx.json"
same cyclonedx-says-the-same "$(found contains lib "$scratch/releases/1.2.0" | sed 's/ [^ ]*$//'; echo '- linked 4-1 -')" \
	"$(for w in lib linked; do found contains $w "$scratch/cyclonedx"; done | sed 's/ [^ ]*$//')"
same not-a-newer-one '' "$(found contains lib=1.0-2 "$scratch/releases")"
code found-is-3 3 "$orch" query contains plain "$scratch/releases" --exit-code
check in-one-of-two grep -q '1 found in 1 of 2 documents' "$scratch/out"
# what has it, what is fixed, what never had it, what is of another release
cat >"$scratch/tracker.json" <<'JSON'
{"app-src": {
  "CVE-2030-0001": {"releases": {"trixie": {"status": "resolved", "fixed_version": "1:2.0~rc2"}}},
  "CVE-2030-0002": {"releases": {"trixie": {"status": "resolved", "fixed_version": "1:2.0~beta"}}},
  "CVE-2030-0003": {"releases": {"trixie": {"status": "open"}}},
  "CVE-2030-0004": {"releases": {"trixie": {"status": "resolved", "fixed_version": "0"}}},
  "CVE-2030-0005": {"releases": {"sid": {"status": "open"}}}},
 "lib": {"CVE-2030-0006": {"releases": {"trixie": {"status": "resolved", "fixed_version": "1.0-1"}}}},
 "plain": {"CVE-2030-0007": {"releases": {"trixie": {"status": "undetermined"}}}}}
JSON
same tracker 'CVE-2030-0001 app 1:2.0~rc1+deb13u1 1:2.0~rc2 1.0.0/card.cdx.json
CVE-2030-0001 app 1:2.0~rc1+deb13u1 1:2.0~rc2 1.2.0/card.spdx.json
CVE-2030-0003 app 1:2.0~rc1+deb13u1 - 1.0.0/card.cdx.json
CVE-2030-0003 app 1:2.0~rc1+deb13u1 - 1.2.0/card.spdx.json
CVE-2030-0007 plain 3 - 1.2.0/card.spdx.json' "$(found vulnerable "$scratch/tracker.json" "$scratch/releases")"
# introduced and fixed in whatever order, twice, last affected, listed; of another ecosystem; withdrawn
osv() { # ID NAME ECOSYSTEM REST
	printf '{"id": "%s", "aliases": ["CVE-%s"], "affected": [{"package": {"ecosystem": "%s", "name": "%s"}, %s}]}' "$1" "$1" "$3" "$2" "$4"
}
range() { printf '"ranges": [{"type": "ECOSYSTEM", "events": [%s]}]' "$1"; }
{
	printf '['
	osv 1 app-src Debian:13 "$(range '{"fixed": "1:2.0"}, {"introduced": "0"}')" && printf ,
	osv 2 app-src Debian:13 "$(range '{"introduced": "1:2.0"}')" && printf ,
	osv 3 app-src Debian:12 "$(range '{"introduced": "0"}')" && printf ,
	osv 4 app-src Debian "$(range '{"introduced": "0"}, {"fixed": "1:1"}, {"introduced": "1:2.0~alpha"}')" && printf ,
	osv 5 app-src Debian:13 "$(range '{"introduced": "0"}, {"last_affected": "1:1.9"}')" && printf ,
	osv 6 plain Debian:13 '"versions": ["2", "3"]' && printf ,
	osv 7 plain PyPI "$(range '{"introduced": "0"}')" && printf ,
	osv 8 lib Debian:13 "$(range '{"introduced": "0"}, {"last_affected": "1.0-1"}')" && printf ']'
} >"$scratch/osv.json"
same osv 'CVE-1 app 1:2.0~rc1+deb13u1 1:2.0 1.2.0/card.spdx.json
CVE-4 app 1:2.0~rc1+deb13u1 - 1.2.0/card.spdx.json
CVE-6 plain 3 - 1.2.0/card.spdx.json
CVE-8 lib 1.0-1+b2 - 1.2.0/card.spdx.json
CVE-8 lib 1.0-1+b2 - 1.2.0/card.spdx.json' "$(found vulnerable "$scratch/osv.json" "$scratch/releases/1.2.0")"
# what the project says itself, and whether its lock has the fix
mkdir vex
printf '{"@context": "https://openvex.test.invalid/ns", "timestamp": "2030-01-01T00:00:00Z", "statements": [
 {"vulnerability": {"name": "CVE-2030-0001"}, "products": [{"@id": "bills-card", "subcomponents": [{"@id": "pkg:deb/debian/app"}]}],
  "status": "not_affected", "justification": "component_not_present"},
 {"vulnerability": {"name": "CVE-2030-0003"}, "products": [{"@id": "pkg:deb/debian/app-src?arch=source"}], "status": "under_investigation"}]}' \
	>vex/app.json
printf '{"bomFormat": "CycloneDX", "vulnerabilities": [{"id": "CVE-2030-0007", "analysis": {"state": "resolved"},
 "affects": [{"ref": "pkg:deb/debian/plain@3"}]}]}' >vex/plain.json
code vex 0 "$orch" query vulnerable "$scratch/tracker.json" "$scratch/releases/1.2.0"
check under-investigation grep -q 'CVE-2030-0003 .*under investigation' "$scratch/out"
same settled-is-left-out '' "$(grep -e CVE-2030-0001 -e CVE-2030-0007 "$scratch/out")"
check settled-is-counted grep -q '1 not affected, 1 fixed' "$scratch/out"
echo '{"statements": []}' >vex/bad.json
code bad-vex 2 "$orch" query vulnerable "$scratch/tracker.json" "$scratch/releases"
rm -r vex
locked() { # VERSION: app's source, in a lock of trixie
	{
		printf 'orch-lock 2\n# Made by %sorch lock%s; what the recipe%ss packages are, exactly.\n' "'" "'" "'"
		printf 'request %064d\narch arm64\ndate 1\narchive debian trixie main debian\nwant app app\n' 0
		printf 'package debian app %s arm64 pool/app.deb 1 %064d app-src %s 1 -\n' "$1" 0 "$1"
	} >"$scratch/lock"
	{ cat "$scratch/lock" && printf 'digest %s\n' "$(sha256sum <"$scratch/lock" | cut -d' ' -f1)"; } >recipes/base.lock
}
lock_says() {
	"$orch" query vulnerable "$scratch/tracker.json" "$scratch/releases/1.2.0" --json |
		jq -r '.found[] | select(.id == "CVE-2030-0001") | "\(.locked) \(."lock-has-fix")"'
}
locked '1:2.0~rc1+deb13u1'
same lock-has-it-not '1:2.0~rc1+deb13u1 false' "$(lock_says)"
locked 1:2.0-1
same lock-has-it '1:2.0-1 true' "$(lock_says)"
rm recipes/base.lock
echo '{"a": 1}' >"$scratch/other.json"
code no-list 2 "$orch" query vulnerable "$scratch/other.json" "$scratch/releases"
check says-what-is-read grep -q 'neither OSV nor' "$scratch/err"
printf '{"x": {"CVE-2030-0009": {"releases": {"trixie": {"status": "open"}}}}}' >"$scratch/x.json"
printf '{"bomFormat": "CycloneDX", "components": [{"purl": "pkg:deb/debian/libx@1?upstream=x"}]}' \
	>"$scratch/others.json"
code release-not-told 3 "$orch" query vulnerable "$scratch/x.json" "$scratch/others.json" --exit-code
check so-it-is-not-settled grep -q '^not settled: of 1 package that the list has' "$scratch/out"
same not-settled-in-json '0 1' "$("$orch" query vulnerable "$scratch/x.json" "$scratch/others.json" --json |
	jq -r '"\(.found | length) \(."release-unknown")"')"
sed -i 's/=x/&\&distro=debian-13.1/' "$scratch/others.json"
code release-told 3 "$orch" query vulnerable "$scratch/x.json" "$scratch/others.json" --exit-code
check source-of-others grep -q '^CVE-2030-0009 *libx *x *1 *(no fix)' "$scratch/out"
code no-bill 2 "$orch" query contains app "$scratch/other.json"
code no-bills 2 "$orch" query contains app "$p/src"
code nothing-there 2 "$orch" query contains app "$scratch/none"
code not-a-verb 2 "$orch" query holds app
mv "$p" "$scratch/moved"
cd "$scratch/moved" || exit 1
bill card
check the-same-elsewhere cmp "$scratch/again" "$scratch/card.spdx"
code as-a-table 0 "$orch" sbom card
check table grep -q '^app  *1:2.0~rc1+deb13u1  *all  *app-src  *' "$scratch/out"
code wrong-format 2 "$orch" sbom card --format svg
code unknown-node 2 "$orch" sbom crad
check near grep -q "did you mean 'card'" "$scratch/err"
echo more >files/etc/ours
code not-built 2 "$orch" sbom card
check build-it grep -q "'orch build card' makes it" "$scratch/err"
code not-of-graphs 2 "$orch" graph --format spdx
finish
