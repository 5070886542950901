#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a word of 'packages:' means: the package of that very name and version, or an error; nothing that apt reads
# into it besides. And what an archive may change of its description without a lock being refused.
. tests/e2e/lib.sh
. tests/e2e/archive-lib.sh
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config" GNUPGHOME="$scratch/gpg"
archive=$scratch/archive
p=$scratch/p
# shellcheck disable=SC2317 # called by check
o() {
	"$ORCH" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err" && return
	o_code=$?
	cat "$scratch/err"
	return "$o_code"
}
says() { check "$1" grep -q -F -e "$2" "$scratch/err"; }
deb() { # NAME VERSION [a line of its control file]
	new_deb "$1" "$2"
	pack "$archive/pool" "$@"
}
words() { # WORDS: the recipe of node n, not locked
	printf 'kind: debian\narch: amd64\npackages: [%s]\n' "$1" >"$p/recipes/n.yaml"
	rm -f "$p/recipes/n.lock"
}
# refused WORDS TEXT: a lock of WORDS says TEXT, with exit 2, and writes nothing.
refused() {
	words "$1"
	code "[$1]: exit 2" 2 o lock n
	says "[$1]: says why" "$2"
	check "[$1]: no lock" test ! -e "$p/recipes/n.lock"
}
# locked WORDS PACKAGES: a lock of WORDS has these ("name=version" each), and a plan takes it.
locked() {
	words "$1"
	check "[$1]: lock" o lock n
	same "[$1]: packages" "$2" "$(awk '$1 == "package" && $3 != "base-files" && $3 != "usr-is-merged" { print $3 "=" $4 }' "$p/recipes/n.lock" | xargs)"
	check "[$1]: plan" o plan n
}

mkdir -p "$p/recipes" "$p/keys" "$XDG_CONFIG_HOME/orch"
check "a key" key own@example.org
gpg --export own@example.org >"$p/keys/own.gpg"
printf 'mirrors: {own: "file://%s"}\n' "$archive" >"$XDG_CONFIG_HOME/orch/config.yaml"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
archives:
  own: {suites: [own], components: [main], keyring: keys/own.gpg}
END
deb base-files 1 'Essential: yes'
deb usr-is-merged 1
deb xx 1.0
deb xx 2.0
deb yy++ 1.0
deb zz 1.0+
deb zz 1.0
deb lib.so 1.0 'Provides: virtual'
deb other 1.0
check "an archive" publish own@example.org

echo "# what apt takes as a modifier or a pattern is part of the name"
refused "xx+" "recipes/n.yaml:3:12: node 'n': apt: Unable to locate package xx+"
refused "other, xx+" "recipes/n.yaml:3:19: node 'n': apt: Unable to locate package xx+"
refused "yy+" "there is no package 'yy+' in the archives"
refused "li.so" "Unable to locate package li.so"
refused "lib.s" "Unable to locate package lib.s"
locked "yy++" "yy++=1.0"
locked "xx, lib.so" "lib.so=1.0 xx=2.0"
locked "virtual" "lib.so=1.0"

echo "# a version is that very one"
locked "xx=1.0" "xx=1.0"
locked "zz=1.0+" "zz=1.0+"
refused "xx=1.0-" "Version '1.0-' for 'xx' was not found"
refused "xx=1.*" "'xx=1.*' is not a package name"
refused "xx=1.0, xx=2.0" "recipes/n.yaml:3:20: 'xx=2.0' and 'xx=1.0' name one package in two ways: write one of them"
locked "xx=1.0, xx" "xx=1.0"
locked "xx, xx=1.0" "xx=1.0"

echo "# a lock in which a word has no package"
locked "xx, other" "other=1.0 xx=2.0"
sed -i -e '/^package .* xx /d' -e 's/^want xx .*/want xx -/' "$p/recipes/n.lock"
sealed "$p/recipes/n.lock"
code "plan: exit 2" 2 o plan n
says "plan: says which" "'xx' has no package in recipes/n.lock: run 'orch lock n'"

echo "# what building needs"
deb build-essential 1
deb helper 13.2 'Provides: helper-compat (= 13)'
deb tool 2
check "an archive with them" publish own@example.org
mkdir -p "$p/app/debian"
control() { printf 'Source: app\nBuild-Depends: %s\n\nPackage: app\n' "$1" >"$p/app/debian/control"; }
# builds BUILD-DEPENDS PACKAGES: as locked, of a node that needs what app needs.
builds() {
	control "$1"
	printf 'kind: debian\narch: amd64\npackages: [build-essential]\nbuild-depends: [app]\n' >"$p/recipes/n.yaml"
	check "[$1]: lock" o lock n
	same "[$1]: packages" "$2" "$(sed -n 's/^want build:app //p' "$p/recipes/n.lock")"
	check "[$1]: plan" o plan n
}
rm -f "$p/recipes/n.lock"
builds "helper-compat (= 13), none [armhf], never <nocheck>" "build-essential,helper"
builds "helper (>= 13) | none, tool <!nocheck>" "build-essential,helper,tool"
control "helper"
code "other needs: exit 2" 2 o plan n
says "other needs: says so" "recipes/n.lock does not answer this recipe any more"
control "helper, none (>= 2)"
code "what no archive has: exit 2" 2 o lock n
says "what no archive has: says where" "recipes/n.yaml:4:17: "
says "what no archive has: says what" "the build of 'app' needs none (>= 2)"
control "helper-compat (= 14)"
code "no such version: exit 2" 2 o lock n
says "no such version: says what" "the build of 'app' needs helper-compat (= 14)"
rm "$p/app/debian/control"
code "no control file: exit 2" 2 o plan n
says "no control file: says so" "'app' has no debian/control, and is none of 'sources'"

echo "# an archive describes itself in other words"
locked "xx" "xx=2.0"
cp "$p/recipes/n.lock" "$scratch/lock"
(
	cd "$archive/dists/own" || exit 1
	sed -i -e 's/^Origin: .*/Origin: another/' -e 's/^Codename: .*/Codename: another/' Release
	grep -q '^Origin:' Release || sed -i '1iOrigin: another' Release
	grep -q '^Codename:' Release || sed -i '1iCodename: another' Release
	gpg --batch --yes --clearsign -o InRelease Release
)
check "lock" o lock n
check "is what it was" cmp "$scratch/lock" "$p/recipes/n.lock"

echo "# the date of an archive"
# dated COMMAND...: signs the archive's Release as sed changes it.
dated() { (cd "$archive/dists/own" && sed -i "$@" Release && gpg --batch --yes --clearsign -o InRelease Release); }
check "the first field, in small letters" dated -e '/^Date:/d' -e '1idate:  Fri, 02 Jan 2026 00:00:00 UTC'
anew() { # for apt takes no description that is older than the one it has
	chmod -R u+w "$ORCH_STORE"
	rm -rf "$ORCH_STORE" "$p/recipes/n.lock"
}
anew
check "lock" o lock n
check "is in the lock" grep -qx 'date 1767312000' "$p/recipes/n.lock"
check "none" dated '/^date:/d'
anew
code "no date: exit 4" 4 o lock n
says "no date: says who must write it" "no Release file of the archives has a Date, which a lock needs: who publishes one must write it"
finish
