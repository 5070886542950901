#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Archives of one's own: where they are (mirrors), who signs them (keyring), what is taken from them
# (recommends, overlay), and what './dev bundle' does when one has dropped a pinned package.
. tests/e2e/lib.sh
. tests/e2e/archive-lib.sh
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config" GNUPGHOME="$scratch/gpg"
unset NO_COLOR CLICOLOR_FORCE
archive=$scratch/archive
p=$scratch/p
config=$XDG_CONFIG_HOME/orch/config.yaml
# shellcheck disable=SC2317 # called by check
o() {
	"$ORCH" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err" && return
	o_code=$?
	cat "$scratch/err"
	return "$o_code"
}
says() { check "$1" grep -q -- "$2" "$scratch/err"; }

# deb NAME VERSION [LINE...]: a package of the archive; LINEs are of its control file. Its postinst keeps what
# /etc/NAME.conf says.
deb() {
	new_deb "$1" "$2"
	printf '#!/bin/sh\nset -e\nmkdir -p /var/lib/%s\n[ ! -e /etc/%s.conf ] || cp /etc/%s.conf /var/lib/%s/seen\n' \
		"$1" "$1" "$1" "$1" >"$deb/DEBIAN/postinst"
	chmod 755 "$deb/DEBIAN/postinst"
	pack "$archive/pool" "$@"
}
mkdir -p "$p/recipes" "$p/keys" "$p/overlay/etc" "$p/rootfs" "$p/custom_build"
check "a key" key one@example.org
check "another key" key two@example.org
gpg --export one@example.org >"$p/keys/own.gpg"
deb own-tool 1.0 'Recommends: own-extra'
deb own-extra 1.0
check "an archive" publish one@example.org
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
default: [system]
archives:
  debian: {suites: [trixie], components: [main]}
  own: {suites: [own], components: [main], keyring: keys/own.gpg}
END
printf 'kind: debian\npackages: [own-tool]\noverlay: overlay\n' >"$p/recipes/system.yaml"
echo "from the overlay" >"$p/overlay/etc/own-tool.conf"

echo "# where it is"
code "nobody says: exit 7" 7 o lock
says "nobody says: remedy" "no mirror configured for archive 'own': .*mirrors: {own: URL}"
mkdir -p "${config%/*}"
printf 'mirors: {own: "file://%s"}\n' "$archive" >"$config"
code "mistyped: exit 2" 2 o lock
says "mistyped: place and word" "config.yaml:1:1: .*'mirrors'"
printf 'mirrors: {own: "file://%s/"}\n' "$archive" >"$config"
check "lock" o lock
check "its package is locked" grep -q '^package own own-tool 1.0 all pool/own-tool_1.0_all.deb ' "$p/recipes/system.lock"
lacks "by a relative path" "$archive" "$p/recipes/system.lock"
lacks "what it recommends is not" own-extra "$p/recipes/system.lock"

echo "# who signs it"
check "signed by somebody else" publish two@example.org
code "exit 5" 5 o lock system --update
says "says whose key is missing" "apt: .*own"
check "signed by the right one" publish one@example.org

echo "# two archives of one place"
cp "$p/recipes/project.yaml" "$scratch/project.yaml"
cp "$p/recipes/system.lock" "$scratch/system.lock"
cp "$p/keys/own.gpg" "$p/keys/twin.gpg"
echo '  twin: {suites: [own], components: [main], keyring: keys/twin.gpg}' >>"$p/recipes/project.yaml"
printf 'mirrors: {own: "file://%s", twin: "file://%s"}\n' "$archive" "$archive" >"$config"
check "copies of one keyring" o lock system --update
gpg --export >"$p/keys/twin.gpg"
code "two keyrings: exit 2" 2 o lock system --update
says "two keyrings: names both lines" \
	"'own' (recipes/project.yaml:7) and 'twin' (recipes/project.yaml:8) have suite 'own' of one place"
cp "$scratch/project.yaml" "$p/recipes/"
cp "$scratch/system.lock" "$p/recipes/"
printf 'mirrors: {own: "file://%s"}\n' "$archive" >"$config"

echo "# what is taken"
printf 'recommends: true\n' >>"$p/recipes/system.yaml"
code "recommends: the lock is stale" 2 o plan
check "lock" o lock
check "what it recommends is locked" grep -q '^package own own-extra 1.0 all ' "$p/recipes/system.lock"
check "build" o build
check "the overlay was there for the scripts" sh -c \
	"tar -xOf '$p/out/system/root.tar' var/lib/own-tool/seen | grep -qx 'from the overlay'"
check "both packages are installed" tar -tf "$p/out/system/root.tar" usr/share/own-tool/version usr/share/own-extra/version

echo "# what is dropped"
rm -f "$archive"/pool/own-tool_1.0_all.deb
deb own-tool 1.1 'Recommends: own-extra'
check "a newer package" publish one@example.org
cp "$PWD/dev" "$p/dev"
mkdir -p "$p/_build/engine/cli"
copy_orch "$ORCH" "$p/_build/engine/cli"
printf 'rule none\n  command = true\nbuild all: phony\n' >"$p/_build/build.ninja" # there is nothing to compile
printf '_build\nout\npki\n' >"$p/.gitignore"
check "under git" sh -c \
	"cd '$p' && git init -q && git add -A && git -c user.name=n -c user.email=n@example.org commit -qm x"
export ORCH_STORE="$scratch/fresh"
code "a build with the old pin: exit 4" 4 o build
says "names package and remedy" "'own-tool' 1.0.*system.lock but archive 'own' has dropped it: run 'orch lock system' to move what is gone"
check "./dev bundle goes on" sh -c "cd '$p' && ./dev bundle >'$scratch/bundle' 2>&1"
check "says so, loudly" grep -q 'WHAT COMES OUT IS NOT THE PUBLISHED BUILD' "$scratch/bundle"
same "builds what the archive has now" 1.1 "$(tar -xOf "$p/out/unpinned/out/system/root.tar" usr/share/own-tool/version)"
same "and leaves the tree as it was" "" "$(git -C "$p" status --porcelain 2>&1 || echo "exit $?")"
check "with its lock" grep -q '^package own own-tool 1.0 ' "$p/recipes/system.lock"
finish
