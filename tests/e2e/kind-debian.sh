#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Kind debian on the real archive: locks and what is said about them, a configured tree of this machine's
# architecture, the same bytes twice, packages on top of a tree, sources.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
default: [small]
archives:
  debian: {suites: [trixie, trixie-updates], components: [main]}
  debian-security: {suites: [trixie-security], components: [main]}
END
recipe() { # NAME, text on stdin
	cat >"$p/recipes/$1.yaml"
}
# shellcheck disable=SC2317 # called by check
o() { "$orch" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err"; }
says() { check "$1" grep -q -- "$2" "$scratch/err"; }
# The part of a tree's database that says whether a package is configured.
states() {
	tar -xOf "$1" var/lib/dpkg/status | grep '^Status:' | sort -u | tr '\n' ' '
}

echo "# locks"
printf 'kind: debian\npackages: [netbase, passwd]\n' | recipe small
code "unlocked: exit 2" 2 "$orch" -C "$p" build small
says "unlocked: message" "orch lock small"
printf 'kind: debian\npackages:\n  - netbase\n  - no-such-package\n' | recipe broken
code "no such package: exit 2" 2 "$orch" -C "$p" lock broken
says "no such package: place" "recipes/broken.yaml:4:5: .*no-such-package"
printf 'kind: debian\narch: arm46\npackages: [-oX, "?all"]\n' | recipe broken
code "no architecture, no names: exit 2" 2 "$orch" -C "$p" plan
says "no architecture: near one" "recipes/broken.yaml:2:7: .*'arm64'"
says "no name: place" "recipes/broken.yaml:3:12: '-oX'"
rm "$p/recipes/broken.yaml"
check "lock" o lock small
lacks "lock names no host" '://' "$p/recipes/small.lock"
cp "$p/recipes/small.lock" "$scratch/first.lock"
check "lock again" o lock small
check "lock again: unchanged" cmp "$p/recipes/small.lock" "$scratch/first.lock"
check "check" o check
printf 'kind: debian\npackages: [netbase, passwd, media-types]\n' | recipe small
code "stale lock: exit 2" 2 "$orch" -C "$p" plan small
says "stale lock: message" "small.lock does not answer.*orch lock small"
check "lock after a change" o lock small
check "lock after a change: says what" grep -q '+ media-types' "$scratch/out"

code "update of a package nobody has: exit 2" 2 "$orch" -C "$p" lock --update no-such-package

echo "# a tree"
check "build" o build small
tree=$p/out/small/root.tar
code "whose a file is" 0 "$orch" -C "$p" query owner small /usr/bin/passwd
check "whose a file is: by the recipe" grep -q '^  recipes/small.yaml:2: package passwd$' "$scratch/out"
code "whose a script's file is" 0 "$orch" -C "$p" query owner small /etc/passwd --json
same "whose a script's file is: of none" 'scripts 0' "$(jq -r '"\(.origin) \(.packages | length)"' "$scratch/out")"
same "every package is configured" "Status: install ok installed " "$(states "$tree")"
same "owners" "0/42" "$(tar --numeric-owner -tvf "$tree" etc/shadow | awk '{print $2}')"
same "set-user-id" "-rwsr-xr-x" "$(tar -tvf "$tree" usr/bin/su | cut -c1-10)"
tar -tf "$tree" >"$scratch/names"
lacks "nothing of one machine" \
	'^(\./)?(etc/ssh/ssh_host|var/lib/apt/lists/.|var/log/dpkg.log|etc/passwd-|usr/sbin/policy-rc.d|run/.|tmp/.)' \
	"$scratch/names"
newest=$(tar -tvf "$tree" --full-time --utc | awk '{print $4 " " $5}' | sort | tail -n 1)
epoch=$(sed -n 's/^date //p' "$p/recipes/small.lock")
check "no time after the lock's date" test "$(date -u -d "$newest" +%s)" -le "$epoch"
tar -tvf "$tree" >"$scratch/names"
lacks "no name of this machine's user" " $(id -un)/" "$scratch/names"
first=$(sha256sum <"$tree")
mv "$tree" "$scratch/first.tar"
# Once more: with another store, directory, umask and home, by another user as far as one can be had
# without root.
other=$scratch/else/where
mkdir -p "$other"
cp -R "$p/recipes" "$other/"
as=
unshare -r true 2>/dev/null && as='unshare -r'
check "build by another user elsewhere" sh -c "umask 077; exec $as env HOME='$scratch/else' \
	ORCH_STORE='$scratch/store2' timeout 300 '$orch' -C '$other' build small"
tree=$other/out/small/root.tar
same "the same bytes" "$first" "$(sha256sum <"$tree")"
[ "$(sha256sum <"$tree")" = "$first" ] || {
	mkdir "$scratch/x" "$scratch/y"
	tar -xf "$tree" -C "$scratch/x" 2>/dev/null
	tar -xf "$scratch/first.tar" -C "$scratch/y" 2>/dev/null
	diff -rq "$scratch/x" "$scratch/y"
}
rm -rf "$scratch/store2" "$scratch/else"

echo "# one package less"
printf 'kind: debian\npackages: [netbase, passwd]\n' | recipe small
check "lock" o lock small
check "build" o build small
check "a difference of runs" o diff ^1 ^0 --json
same "names the package" '[["media-types",true,null]]' \
	"$(jq -c '[.nodes[].packages[] | [.name, (.before | test("^[0-9.]+$")), .after]]' "$scratch/out")"

echo "# packages on top"
printf 'kind: debian\nfrom: small\npackages: [mtr-tiny, libcap2-bin]\nsources: [netbase]\n' | recipe more
check "lock" o lock more
lacks "only what is new is locked" '^package .* netbase ' "$p/recipes/more.lock"
check "build" o build more
more=$p/out/more/root.tar
same "every package is configured" "Status: install ok installed " "$(states "$more")"
check "old and new packages" sh -c "tar -tf '$more' | grep -qx usr/bin/mtr && tar -tf '$more' | grep -qx etc/protocols"
same "capability as root would set it" 1 "$(tar --xattrs --xattrs-include='*' -tvvf "$more" 2>/dev/null | grep -c security.capability)"
printf 'kind: debian\nfrom: more\npackages: [hello]\n' | recipe top
check "lock on top of that" o lock top
same "one package more" 1 "$(grep -c '^package' "$p/recipes/top.lock")"
printf 'kind: debian\narch: s390x\nfrom: more\npackages: [hello]\n' | recipe top
code "another architecture than the base: exit 2" 2 "$orch" -C "$p" lock top
says "another architecture than the base: place" "recipes/top.yaml:3:7"
rm "$p/recipes/top.yaml" "$p/recipes/top.lock"
check "sources" sh -c "tar -tf '$more' | grep -qx usr/src/netbase/debian/control"

echo "# pins that cannot be had"
sed -i -E 's,^(package [^ ]+ netbase [^ ]+ [^ ]+ )([^ ]+)( [0-9]+ )[0-9a-f]{8},\1\2.gone\300000000,' "$p/recipes/small.lock"
sealed "$p/recipes/small.lock"
code "dropped by the archive: exit 4" 4 "$orch" -C "$p" build small
says "dropped by the archive: message" "'netbase'.*orch lock small --update"
sed -i 's,_all.deb.gone ,_all.deb ,' "$p/recipes/small.lock"
sealed "$p/recipes/small.lock"
code "other bytes: exit 5" 5 "$orch" -C "$p" build small
cp "$p/recipes/small.lock" "$scratch/bad.lock"
echo "package debian evil 1 all ../../etc/passwd 1 00" >>"$p/recipes/small.lock"
code "edited by hand: exit 2" 2 "$orch" -C "$p" build small
says "edited by hand: place" "recipes/small.lock:[0-9]*:1"
finish
