#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What of a lock is the key: another archive in project.yaml builds nothing, one package more or newer
# concerns the nodes that have it, and `orch why` names it. Projects share what is not made of their names.
. tests/e2e/lib.sh
. tests/e2e/archive-lib.sh
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config" GNUPGHOME="$scratch/gpg"
archive=$scratch/archive
p=$scratch/p
# shellcheck disable=SC2317 # called by check
o() { "$ORCH" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err" || { cat "$scratch/err" && return 1; }; }
# built DIR: the nodes that a build of everything built.
built() {
	if "$ORCH" -C "$1" build --result-json "$scratch/result" >"$scratch/out" 2>&1; then
		jq -r '[.nodes[] | select(.status == "built") | .name] | sort | join(" ")' "$scratch/result"
	else
		cat "$scratch/out"
	fi
}
# deb NAME VERSION [DEPENDS]: a package of the archive.
deb() {
	new_deb "$1" "$2"
	touch -d 2020-02-02 "$deb/usr/share/$1/version"
	pack "$archive/pool" "$1" "$2" ${3:+"Depends: $3"}
}

mkdir -p "$p/recipes" "$p/keys" "$XDG_CONFIG_HOME/orch"
check "a key" key one@example.org
gpg --export one@example.org >"$p/keys/own.gpg"
printf 'mirrors: {own: "file://%s", again: "file://%s"}\n' "$archive" "$scratch/again" >"$XDG_CONFIG_HOME/orch/config.yaml"
deb own-tool 1.0
deb own-extra 1.0
check "an archive" publish one@example.org
cp -R "$archive" "$scratch/again"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
archives:
  debian: {suites: [trixie], components: [main]}
  own: {suites: [own], components: [main], keyring: keys/own.gpg}
END
printf 'kind: debian\npackages: [netbase]\n' >"$p/recipes/base.yaml"
printf 'kind: debian\nfrom: base\npackages: [own-tool]\n' >"$p/recipes/top.yaml"
check "lock" o lock base
check "lock on top" o lock top
same "first build" "base top" "$(built "$p")"

echo "# the same pins"
printf '  again: {suites: [own], components: [main], keyring: keys/own.gpg}\n' >>"$p/recipes/project.yaml"
check "another archive: lock" o lock
same "another archive: builds nothing" "" "$(built "$p")"
printf 'recommends: false\n' >>"$p/recipes/top.yaml"
same "what only chooses packages: builds nothing" "" "$(built "$p")"
sed -i 's/\[own-tool\]/[own-tool=1.0, netbase]/' "$p/recipes/top.yaml"
check "other words for the same packages: lock" o lock top
same "other words for the same packages: builds nothing" "" "$(built "$p")"
sed -i 's/\[own-tool=1.0, netbase\]/[own-tool]/' "$p/recipes/top.yaml"
check "the words as they were: lock" o lock top

cp "$p/out/top/root.tar" "$scratch/before.tar"

echo "# other names"
q=$scratch/q
mkdir -p "$q/recipes"
cp -R "$p/keys" "$q/"
sed 's/^name: .*/name: other/' "$p/recipes/project.yaml" >"$q/recipes/project.yaml"
for f in yaml lock; do cp "$p/recipes/base.$f" "$q/recipes/ground.$f"; done
same "another project, another node: shared" "" "$(built "$q")"
check "with its result" cmp "$p/out/base/root.tar" "$q/out/ground/root.tar"
for n in one two; do
	printf 'kind: run\nrun: [["cp", "in", "out.bin"]]\ninputs: [in]\noutputs: [out.bin]\n' >"$q/recipes/$n.yaml"
	printf 'kind: image\nfilesystem: ext4\nsize: 1M\ncontents: []\n' >"$q/recipes/img-$n.yaml"
done
echo text >"$q/in"
same "of equal nodes one is built, of images each" 3 "$(built "$q" | wc -w)"
check "equal nodes: both results" cmp "$q/out/one/out.bin" "$q/out/two/out.bin"
check "images: other identities" sh -c "cmp -s '$q/out/img-one/img-one.img' '$q/out/img-two/img-two.img'; [ \$? = 1 ]"
sed -i 's/^name: .*/name: third/' "$q/recipes/project.yaml"
same "a renamed project: only who bears the name" "img-one img-two" "$(built "$q")"

echo "# other pins"
rm "$archive/pool/own-tool_1.0_all.deb"
deb own-tool 1.1
check "a newer package" publish one@example.org
check "lock --update" o lock --update own-tool
check "why names the package" o why top
check "and both versions" grep -qE '^ *package own-tool 1\.0 -> 1\.1$' "$scratch/out"
check "why of a node that lacks it" o why base
check "says nothing of it" sh -c "grep -q own-tool '$scratch/out'; [ \$? = 1 ]"
same "only what has the package is built" "top" "$(built "$p")"
# listing TREE: all but what belongs to the package.
listing() { tar --numeric-owner --full-time --utc -tvf "$1" | grep -vE ' (usr/share/own-tool|var/lib/dpkg)/'; }
listing "$scratch/before.tar" >"$scratch/before"
listing "$p/out/top/root.tar" >"$scratch/after"
check "an update changes no other file's metadata" diff "$scratch/before" "$scratch/after"
check "there was something to compare" test "$(wc -l <"$scratch/after")" -gt 1000
# time TREE PATH: when, in UTC.
time_of() { tar --full-time --utc -tvf "$1" "$2" | awk '{print $4 " " $5}'; }
same "a package's file keeps its time" "2020-02-02 00:00:00" "$(time_of "$p/out/top/root.tar" usr/share/own-tool/version)"
same "what is made gets 'times'" "2024-01-01 00:00:00" "$(time_of "$p/out/top/root.tar" var/lib/dpkg/status)"

echo "# the one file that moves with a lock"
printf 'kind: image\nfilesystem: ext4\nsize: 600M\ncontents: [{unpack: "top:root.tar"}]\nclock-epoch: true\n' >"$p/recipes/disk.yaml"
check "clock-epoch" o build disk
debugfs -R 'stat /usr/lib/clock-epoch' "$p/out/disk/disk.img" >"$scratch/stat" 2>/dev/null
date=$(sed -n 's/^date //p' "$p/recipes/base.lock" "$p/recipes/top.lock" | sort -n | tail -n 1)
check "has the date of the newest lock" grep -q "mtime: $(printf '0x%08x' "$date")" "$scratch/stat"
printf 'kind: image\nfilesystem: ext4\nsize: 1M\ncontents: []\nclock-epoch: true\n' >"$p/recipes/none.yaml"
code "clock-epoch without a lock: exit 2" 2 "$ORCH" -C "$p" build none
check "clock-epoch without a lock: says so" grep -q "'clock-epoch' is the date of a lock" "$scratch/err"
rm "$p/recipes/none.yaml" "$p/recipes/disk.yaml"
sed -i 's/own-tool\]/own-tool, own-extra]/' "$p/recipes/top.yaml"
check "one package more: lock" o lock top
check "one package more: why" o why top
check "one package more: its name" grep -qE '^ *package own-extra is new$' "$scratch/out"

echo "# a package of the node below in another version"
deb own-pair 1.1 'own-tool (= 1.1)'
check "a package that needs its version" publish one@example.org
sed -i 's/own-extra\]/own-extra, own-pair]/' "$p/recipes/top.yaml"
check "below: lock" o lock top
deb own-tool 1.2
deb own-pair 1.2 'own-tool (= 1.2)'
check "newer ones" publish one@example.org
printf 'kind: debian\nfrom: top\npackages: [own-tool, netbase]\n' >"$p/recipes/over.yaml"
check "above: lock" o lock over
same "without a version nothing moves" 0 "$(grep -c '^package ' "$p/recipes/over.lock")"
same "all is built" "over top" "$(built "$p")"
sed -i 's/own-tool, /own-tool=1.2, /' "$p/recipes/over.yaml"
check "another version: lock" o lock over
# pins NODE: packages and versions of its lock.
pins() { awk '$1 == "package" { print $3 "=" $4 }' "$p/recipes/$1.lock" | xargs; }
same "it moves, and what needs it" "own-pair=1.2 own-tool=1.2" "$(pins over)"
same "only what asks is built" over "$(built "$p")"
versions() { tar -xOf "$p/out/$1/root.tar" usr/share/own-tool/version usr/share/own-pair/version | xargs; }
same "the tree below stays as it is" "1.1 1.1" "$(versions top)"
same "the one above has the other version" "1.2 1.2" "$(versions over)"
mkdir -p "$scratch/db/updates" "$scratch/db/info"
tar -xOf "$p/out/over/root.tar" var/lib/dpkg/status >"$scratch/db/status"
same "dpkg has each once" "own-extra=1.0=ii own-pair=1.2=ii own-tool=1.2=ii" \
	"$(dpkg-query --admindir "$scratch/db" -W -f '${Package}=${Version}=${db:Status-Abbrev}\n' 'own-*' | xargs)"
deb own-tool 1.3
deb own-pair 1.3 'own-tool (= 1.3)'
check "still newer ones" publish one@example.org
printf 'recommends: false\n' >>"$p/recipes/over.yaml"
check "locked again" o lock over
same "no pin moves" "own-pair=1.2 own-tool=1.2" "$(pins over)"
sed -i 's/own-tool=1.2, /own-tool, /' "$p/recipes/over.yaml"
check "asked for no more: lock" o lock over
same "the tree below has its way again" "" "$(pins over)"
same "and its result is known" "" "$(built "$p")"
check "an update above: lock" o lock over --update own-tool
same "what is below stays there" "own-extra=1.0 own-pair=1.1 own-tool=1.1" "$(pins top)"
same "it moves, and what needs it" "own-pair=1.3 own-tool=1.3" "$(pins over)"
same "only that node is built" over "$(built "$p")"
same "it has the newer ones" "1.3 1.3" "$(versions over)"
sed -i '/^recommends/d' "$p/recipes/over.yaml"
check "locked again" o lock over
same "the update stays" "own-pair=1.3 own-tool=1.3" "$(pins over)"
check "all updates: lock" o lock over --update
same "all updates: it stays, too" "own-pair=1.3 own-tool=1.3" "$(pins over)"
check "the node below is updated: lock" o lock --update own-tool
same "both have it once" "own-extra=1.0 own-pair=1.3 own-tool=1.3 " "$(pins top) $(pins over)"

echo "# a node that extends another"
cp "$p/recipes/top.lock" "$scratch/top.lock"
pinned=$(sed -n 's/^package own own-tool \([^ ]*\) .*/\1/p' "$scratch/top.lock")
deb own-tool 9.0
deb own-other 1.0
check "a newer package in the archive" publish one@example.org
printf 'extends: top\nadd: {packages: [own-other]}\n' >"$p/recipes/variant.yaml"
code "needs a lock of its own: exit 2" 2 "$ORCH" -C "$p" build variant
check "needs a lock of its own: says so" grep -q "run 'orch lock variant'" "$scratch/err"
check "its lock" o lock variant
check "is told beside the other" grep -q "as the lock of 'top', which it extends, but for:" "$scratch/out"
check "has its pins" grep -q "^package own own-tool $pinned " "$p/recipes/variant.lock"
check "and what is added" grep -q '^package own own-other 1.0 ' "$p/recipes/variant.lock"
check "the other stays as it is" cmp "$scratch/top.lock" "$p/recipes/top.lock"
finish
