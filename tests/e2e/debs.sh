#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# 'debs:' of kind debian: packages of one's own are built by 'orch lock', solved together with an archive's, and
# installed; an edit of one moves no lock, another dependency asks for one.
. tests/e2e/lib.sh
. tests/e2e/archive-lib.sh
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config" GNUPGHOME="$scratch/gpg"
archive=$scratch/archive
p=$scratch/p
# shellcheck disable=SC2317 # called by check
o() { "$ORCH" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err" || { o_code=$?; cat "$scratch/err"; return "$o_code"; }; }
# shellcheck disable=SC2016
says() { check "$1" sh -c 'grep -q -F -e "$1" "$2" || { cat "$2"; exit 1; }' sh "$2" "$scratch/err"; }
recipe() { cat >"$p/recipes/$1.yaml"; } # NAME, text on stdin
# deb NAME VERSION [LINE...]: a package of the archive.
deb() {
	new_deb "$1" "$2"
	[ "$1" != base-files ] || dpkg_programs
	pack "$archive/pool" "$@"
}
# app VERSION DEPENDS [ARCHITECTURE]: what node 'app' makes.
app() {
	cat >"$p/src/control" <<-END
		Package: app
		Version: $1
		Architecture: ${3:-all}
		Maintainer: Nobody <nobody@example.org>
		Depends: $2
		Description: test
	END
}
field() { tar -xOf "$p/out/$1/root.tar" var/lib/dpkg/status | sed -n "/^Package: $2\$/,/^\$/s/^$3: //p"; } # NODE PACKAGE FIELD
wanted() { awk -v w="$2" '$1 == "want" && $2 == w { print $3 }' "$p/recipes/$1.lock"; } # NODE WORD

mkdir -p "$p/recipes" "$p/keys" "$p/src" "$p/vendor" "$XDG_CONFIG_HOME/orch"
key own@example.org 2>/dev/null
gpg --batch --export >"$p/keys/own.gpg"
printf 'mirrors: {own: "file://%s"}\n' "$archive" >"$XDG_CONFIG_HOME/orch/config.yaml"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
default: [n]
archives:
  own: {suites: [own], components: [main], keyring: keys/own.gpg}
END
deb base-files 1 'Essential: yes'
deb usr-is-merged 1
deb hello 1
deb lib 1.0
deb other 1.0
check "an archive" publish own@example.org
new_deb app-data 1
pack "$p/vendor" app-data 1
recipe app <<'END'
kind: run
inputs: [src/]
run:
  - mkdir -p p/DEBIAN p/usr/share/app; cp src/control p/DEBIAN/; cp src/text p/usr/share/app/
  - dpkg-deb --root-owner-group -b p app.deb
outputs: [app.deb]
END
printf 'kind: debian\narch: amd64\npackages: [hello]\ndebs: [app, vendor/]\n' | recipe n
echo one >"$p/src/text"
app 1 'lib (>= 1.0), app-data'

echo "# locked"
check "lock" o lock n
same "what they need" "lib" "$(wanted n debs:app)"
same "and those that need nothing" "-" "$(wanted n debs:vendor/)"
same "the archive's packages are pinned" "base-files hello lib usr-is-merged" "$(awk '$1 == "package" { print $3 }' "$p/recipes/n.lock" | xargs)"
check "build" o build
same "all are installed" "install ok installed,install ok installed" "$(field n app Status),$(field n app-data Status)"
same "with their content" one "$(tar -xOf "$p/out/n/root.tar" usr/share/app/text)"

check "who owns a file" o query owner n /usr/share/app/text
check "is told" grep -q "debs app" "$scratch/out"

echo "# edited"
cp "$p/recipes/n.lock" "$scratch/n.lock"
echo two >"$p/src/text"
app 2 'lib, app-data'
check "a new version is built, with the lock as it is" o build
same "and installed" "2 two" "$(field n app Version) $(tar -xOf "$p/out/n/root.tar" usr/share/app/text)"
check "lock" o lock n
check "has nothing to change" cmp "$scratch/n.lock" "$p/recipes/n.lock"
app 3 'lib, other'
code "another dependency: exit 2" 2 o build
says "another dependency: remedy" "package 'app' 3 depends on 'other', which nothing in recipes/n.lock satisfies: run 'orch lock n'"
check "lock" o lock n
same "is locked" "lib,other" "$(wanted n debs:app)"
check "build" o build

echo "# together with the archive"
deb lib 2.0
check "a newer library" publish own@example.org
check "moves no pin" o lock n
check "none" grep -q '^package own lib 1.0 ' "$p/recipes/n.lock"
app 4 'lib (>= 2.0), other'
code "nor does a package that needs it: exit 2" 2 o lock n
says "nor does a package that needs it: remedy" "'app' needs lib (>= 2.0) (pinned to 1.0); 'orch lock n --update lib' moves that pin"
check "that does" o lock n --update lib
check "and says so" grep -q "~ lib 1.0 -> 2.0" "$scratch/out"
app 5 'lib (>= 3.0)'
cp "$p/recipes/n.lock" "$scratch/n.lock"
code "what no archive has: exit 2" 2 o lock n
says "what no archive has: says so" "packages cannot be had together: 'app' needs lib (>= 3.0)"
check "the lock is as it was" cmp "$scratch/n.lock" "$p/recipes/n.lock"
app 6 'lib' armhf
code "another architecture: exit 2" 2 o lock n
says "another architecture: says so" "package 'app' is for architecture 'armhf', and the tree is 'amd64'"
app 7 'lib (>= 2.0), other, app-data'
check "lock" o lock n

echo "# below another node"
printf 'kind: debian\narch: amd64\nfrom: n\npackages: [extra]\n' | recipe top
deb extra 1 'Depends: app (>= 7), lib'
check "what depends on one's own" publish own@example.org
check "lock" o lock top
same "is locked alone" "package own extra" "$(awk '$1 == "package" { print $1, $2, $3 }' "$p/recipes/top.lock")"
check "build" o build top
same "and installed on it" "install ok installed" "$(field top extra Status)"
deb app 9
check "a package of that name in the archive" publish own@example.org
check "lock" o lock n
lacks "one's own is meant" '^package own app ' "$p/recipes/n.lock"

echo "# found as a build finds them"
recipe data <<'END'
kind: run
inputs: [src/]
run:
  - |
    mkdir -p p/DEBIAN
    sed "s/^Package:.*/Package: data/; s/^Depends:.*/Depends: other/" src/control >p/DEBIAN/control
    dpkg-deb --root-owner-group -b p data.deb; cp data.deb more.txt
outputs: [data.deb, more.txt]
END
printf 'kind: debian\narch: amd64\npackages: [hello]\ndebs: [app, data, vendor/]\n' | recipe n
runs() { "$ORCH" -C "$p" runs --json | jq '.runs | length'; }
echo three >"$p/src/text"
before=$(runs)
check "lock" o lock n
same "what nodes make is built in one run" 1 "$(($(runs) - before))"
same "all of it" "lib,other other -" "$(wanted n debs:app | paste -sd,) $(wanted n debs:data) $(wanted n debs:vendor/)"
check "build" o build n
mkdir -p "$p/vendor/.old" "$p/vendor/dir.deb" "$scratch/elsewhere"
new_deb hidden 1
pack "$p/vendor/.old" hidden 1 'Depends: extra'
ln -s .old/hidden_1_all.deb "$p/vendor/hidden.deb"
: >"$p/vendor/dir.deb/file"
check "lock with a package of a hidden directory, and a link to it" o lock n
same "which needs another" extra "$(wanted n debs:vendor/)"
check "build" o build n
same "with it" "install ok installed" "$(field n hidden Status)"
mv "$p/vendor/.old/hidden_1_all.deb" "$scratch/elsewhere/"
rm "$p/vendor/hidden.deb"
ln -s "$scratch/elsewhere" "$p/vendor/elsewhere"
cp "$p/recipes/n.lock" "$scratch/n.lock"
check "lock: a link to a directory elsewhere leads to nothing" o lock n
same "that the node has" - "$(wanted n debs:vendor/)"
check "build, either" o build n
ln -s "$scratch/elsewhere/hidden_1_all.deb" "$p/vendor/hidden.deb"
code "a link that leads out: lock: exit 2" 2 o lock n
says "a link that leads out: lock: says so" "the link 'hidden.deb' leads to nothing that is in"
code "a link that leads out: build: exit 2" 2 o build n
says "a link that leads out: build: says so" "the link 'hidden.deb' leads to nothing that is in"
rm -r "$p/vendor/hidden.deb" "$p/vendor/elsewhere" "$p/vendor/dir.deb"
printf 'kind: run\nroot: unlocked\nrun: [": >app.deb"]\noutputs: [app.deb]\n' | recipe unready
printf 'kind: debian\npackages: [hello]\n' | recipe unlocked
sed -i 's/debs: .*/debs: [unready]/' "$p/recipes/n.yaml"
code "one that cannot be built now: as by a build, exit 2" 2 o build unready
code "one that cannot be built now: exit 2" 2 "$ORCH" -C "$p" lock n --json
same "one that cannot be built now: one object" "false debs-unbuilt" "$(jq -r '[.ok, .errors[0].code] | join(" ")' "$scratch/out")"
printf 'vars: {depends: lib, arch: amd64}\nvariants:\n  board:\n    one: {depends: lib}\n    two: {depends: other, arch: arm64}\n' >>"$p/recipes/project.yaml"
recipe app <<'END'
kind: run
env: {DEPENDS: "${depends}"}
inputs: [src/]
run:
  - |
    mkdir -p p/DEBIAN
    sed "s/^Depends:.*/Depends: $DEPENDS/" src/control >p/DEBIAN/control
    dpkg-deb --root-owner-group -b p app.deb
outputs: [app.deb]
END
sed -i 's/debs: .*/debs: [app]/; s/^arch: .*/arch: "${arch}"/' "$p/recipes/n.yaml"
for package in qemu-user qemu-user-static; do deb $package 1; done
check "an emulator for its dpkg" publish own@example.org
check "lock one variant" o lock n --variant board=two
check "with what it needs" grep -qx "want debs:app other" "$p/recipes/n.lock"
check "lock all" o lock n
same "each with what it needs" "lib other" "$(wanted n debs:app | sort | xargs)"
check "and build one of them" o build n --variant board=one
sed -i '/^variants:/,$d' "$p/recipes/project.yaml"
check "without variants" o lock n

echo "# what is refused"
sed -i 's/dpkg-deb/false/' "$p/recipes/app.yaml"
code "a package that cannot be built: exit 1" 1 o lock n
says "a package that cannot be built: says so" "node 'app', whose packages are to be locked with, was not built"
sed -i 's/false/dpkg-deb/' "$p/recipes/app.yaml"
sed -i 's/packages: .*/packages: [hello, app]/' "$p/recipes/n.yaml"
code "named twice: exit 2" 2 o lock n
says "named twice: says so" "recipes/n.yaml:3:19: node 'n': 'app' comes with 'debs': name it there alone"
sed -i 's/debs: .*/debs: [src]/' "$p/recipes/n.yaml"
code "a directory without packages: exit 2" 2 o lock n
says "a directory without packages: says so" "recipes/n.yaml:4:8: node 'n': there is no .deb in 'src'"
finish
