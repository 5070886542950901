#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Kind package on the real archive: packages of the project's own source, native and cross-compiled, the same bytes
# again; a source package of the archive; in a tree; what is refused.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$p/src/app/debian/source" "$p/src/needs/debian" "$scratch/bare/top"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
archives:
  debian: {suites: [trixie], components: [main]}
END
recipe() { cat >"$p/recipes/$1.yaml"; } # NAME, text on stdin
# shellcheck disable=SC2317 # called by check
o() { "$orch" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err"; }
says() { check "$1" grep -q -F -e "$2" "$scratch/err"; }

app=$p/src/app
cat >"$app/edge-app.c" <<'END'
#include <stdio.h>
int main(void) { printf("edge-app %s\n", __FILE__); return 0; }
END
cat >"$app/Makefile" <<'END'
edge-app: edge-app.o
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $<
edge-app.o: edge-app.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
install: edge-app
	install -D edge-app $(DESTDIR)/usr/bin/edge-app
clean:
	rm -f edge-app edge-app.o
END
cat >"$app/debian/control" <<'END'
Source: edge-app
Section: misc
Priority: optional
Maintainer: Edge <edge@example.org>
Build-Depends: debhelper-compat (= 13), never [armhf], never <nocheck>
Standards-Version: 4.7.0

Package: edge-app
Architecture: any
Depends: ${shlibs:Depends}, ${misc:Depends}
Description: application of the device
 It says what it is.

Package: edge-app-data
Architecture: all
Depends: ${misc:Depends}
Description: data of the application
 A file.
END
cat >"$app/debian/changelog" <<'END'
edge-app (1.2-1) unstable; urgency=medium

  * First.

 -- Edge <edge@example.org>  Sun, 02 Jun 2024 12:00:00 +0000
END
printf '#!/usr/bin/make -f\n%%:\n\tdh $@\n' >"$app/debian/rules"
echo '3.0 (native)' >"$app/debian/source/format"
echo usr/bin/edge-app >"$app/debian/edge-app.install"
echo 'data usr/share/edge-app' >"$app/debian/edge-app-data.install"
echo data >"$app/data"
needs=$p/src/needs/debian
sed -e 's/edge-app/needs/' -e 's/^Build-Depends:.*/Build-Depends: help9man (>= 2)/' "$app/debian/control" >"$needs/control"
cp "$app/debian/changelog" "$app/debian/rules" "$needs/"
touch "$scratch/bare/top/file"
tar -C "$scratch/bare" -cf "$p/src/bare.tar" top

printf 'kind: debian\npackages: [crossbuild-essential-arm64, ccache, gpg, gpg-agent]\nsources: [netbase]\nbuild-depends: [src/app, netbase]\n' | recipe tools
printf 'kind: debian\npackages: [passwd]\n' | recipe base
all='edge-app.deb, edge-app-data.deb, edge-app-dbgsym.deb, edge-app.changes, edge-app.buildinfo'
# package NAME SOURCE OUTPUTS [LINE...]
package() {
	package_name=$1
	printf 'kind: package\nroot: tools\nsource: %s\noutputs: [%s]\n' "$2" "$3" >"$p/recipes/$package_name.yaml"
	shift 3
	[ $# = 0 ] || printf '%s\n' "$@" >>"$p/recipes/$package_name.yaml"
}
package native src/app "$all"
package foreign src/app "$all" 'arch: arm64'
package again src/app "$all" 'arch: arm64' 'env: {AGAIN: "1"}'
package cached src/app "$all" 'cache: ccache' 'env: {AGAIN: "2"}'
package archive '"tools:/usr/src/netbase"' netbase.deb 'profiles: [nocheck]' 'env: {DEB_BUILD_OPTIONS: nocheck}'
printf 'kind: tree\nfrom: base\ndebs: ["native:edge-app.deb", "native:edge-app-data.deb"]\n' | recipe product
for node in tools base; do check "lock $node" o lock $node; done

echo "# built"
check "all of them" o build native foreign archive product
field() { dpkg-deb -f "$p/out/$1" "$2"; }
same "cross-compiled" "arm64" "$(field foreign/edge-app.deb Architecture)"
check "depends on the C library of the device" sh -c 'echo "$1" | grep -qx "libc6 (>= [0-9.]*)"' sh \
	"$(field foreign/edge-app.deb Depends)"
same "for every architecture" "all" "$(field foreign/edge-app-data.deb Architecture)"
check "all: the same from both" cmp "$p/out/native/edge-app-data.deb" "$p/out/foreign/edge-app-data.deb"
same "its files are root's, and have the project's time" "root/root 2024-01-01" \
	"$(TZ=UTC dpkg-deb -c "$p/out/native/edge-app.deb" | awk '/edge-app$/ { print $2, $4; exit }')"
same "a source of the archive" netbase "$(field archive/netbase.deb Package)"
same "installed in a tree" "install ok installed" \
	"$(tar -xOf "$p/out/product/root.tar" var/lib/dpkg/status | sed -n '/^Package: edge-app$/,/^$/s/^Status: //p')"

echo "# the same bytes again"
find "$p/src" -exec touch {} +
chmod -R go-rwx "$p/src"
check "again" o build again
check "equal, .changes and .buildinfo, too" diff -r "$p/out/foreign" "$p/out/again"

echo "# with a cache of the compiler"
# kept: how many results of compilers there are.
kept() { find "$ORCH_STORE/caches" -name '*R' -type f | wc -l; }
check "built" o build cached
check "the same bytes" diff -r "$p/out/native" "$p/out/cached"
same "one result is kept" 1 "$(kept)"
sed -i 's/AGAIN: "2"/AGAIN: "3"/' "$p/recipes/cached.yaml"
check "built again" o build cached
check "the same bytes from it" diff -r "$p/out/native" "$p/out/cached"
same "and it is the same result" 1 "$(kept)"
cp -R "$app" "$p/ccache"
package named ccache/ "$all" 'cache: ccache'
check "a source that is called as the cache's programs are" o build named
check "the same bytes" diff -r "$p/out/native" "$p/out/named"

echo "# in a repository, signed by the tree's programs and by this machine's"
export GNUPGHOME="$scratch/gpg"
mkdir -m 700 "$GNUPGHOME"
mkdir -p "$p/pki/private"
gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-gen-key packages ed25519 sign never 2>/dev/null
gpg --batch --export-secret-keys >"$p/pki/private/packages.key"
gpg --batch --export >"$p/pki/packages.gpg"
printf 'kind: pki\ntype: openpgp\nkey: pki/private/packages.key\nkeyring: pki/packages.gpg\n' | recipe packages-key
for tools in '' 'tools: tools'; do
	printf 'kind: repository\npackages: ["native:edge-app.deb", foreign, netbase.deb]\nsuite: stable\nvalid-for: 520w\nsign: packages-key\n%s\n' \
		"$tools" | recipe "repo${tools:+-tools}"
done
cp "$p/out/archive/netbase.deb" "$p/"
check "both" o build repo repo-tools
check "equal" cmp "$p/out/repo/repository.tar" "$p/out/repo-tools/repository.tar"
same "its date is that of the lock" "$(LC_ALL=C date -u -d "@$(sed -n 's/^date //p' "$p/recipes/tools.lock")" '+%a, %d %b %Y %H:%M:%S UTC')" \
	"$(tar -xOf "$p/out/repo/repository.tar" dists/stable/Release | sed -n 's/^Date: //p')"
same "architectures" "amd64 arm64" "$(tar -xOf "$p/out/repo/repository.tar" dists/stable/Release | sed -n 's/^Architectures: //p')"

echo "# what is refused"
mkdir "$p/build"
cp -R "$app" "$p/build/"
package taken build/app edge-app.deb
code "a name that the build has: exit 2" 2 o build taken
says "a name that the build has: says so" "recipes/taken.yaml: 'build/app' would be 'build/app' in the working directory, where 'build' is the build's own"
package needs src/needs needs.deb
code "a build dependency is missing: exit 2" 2 o build needs
says "a build dependency is missing: says which" "the root lacks what this build needs: help9man (>= 2)"
says "a build dependency is missing: says the remedy" "'build-depends' of the root's recipe"
package bare src/bare.tar bare.deb
code "a tarball without debian/: exit 2" 2 o build bare
says "a tarball without debian/: says so" "recipes/bare.yaml: the source has no debian/control"
package riscv src/app edge-app.deb 'arch: riscv64'
code "no cross compiler: exit 2" 2 o build riscv
says "no cross compiler: says the remedy" "add crossbuild-essential-riscv64 to its 'packages'"
package other src/app edge-application.deb
code "a package that is not made: exit 1" 1 o build other
says "a package that is not made: says what is" "made no 'edge-application.deb': it made edge-app-data.deb edge-app-dbgsym.deb edge-app.deb"
finish
