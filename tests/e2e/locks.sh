#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What 'orch lock' keeps, moves and says, on archives of this script's own: which pins stay when newer versions
# come, which when versions leave the index or the pool, what a package newly asked for may move; and what a
# build says of a lock whose lines do not fit the packages.
. tests/e2e/lib.sh
. tests/e2e/archive-lib.sh
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config" GNUPGHOME="$scratch/gpg"
p=$scratch/p
own=$scratch/own
more=$scratch/more
# shellcheck disable=SC2317 # called by check
o() {
	"$ORCH" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err" && return
	o_code=$?
	cat "$scratch/err"
	return "$o_code"
}
says() { check "$1" grep -q -- "$2" "$scratch/err"; }
tells() { check "$1" grep -q -- "$2" "$scratch/out"; }
recipe() { # NAME, text on stdin
	cat >"$p/recipes/$1.yaml"
}
pin() { awk -v n="$2" '$1 == "package" && $3 == n {print $4}' "$p/recipes/$1.lock"; } # NODE PACKAGE
deb() { # ARCHIVE NAME VERSION [more lines of its control file]...
	new_deb "$2" "$3"
	deb_of=$1
	shift
	pack "$deb_of/pool" "$@"
}
# index ARCHIVE SUITE [FILE...]: lists and signs what its pool holds; FILEs alone, if there are any.
index() {
	(
		index_of=$1 suite=$2
		shift 2
		[ $# = 0 ] || only=$*
		list_suite "$index_of" "$suite" pool
	)
}
project() { # [one more archive]
	cat >"$p/recipes/project.yaml" <<END
schema: 1
name: demo
version: "1"
archives:
  own: {suites: [stable, testing], components: [main], keyring: keys/own.gpg}
$*
END
}

mkdir -p "$p/recipes" "$p/keys" "$XDG_CONFIG_HOME/orch"
key own@example.org 2>/dev/null
gpg --batch --export >"$p/keys/own.gpg"
printf 'mirrors: {own: "file://%s", more: "file://%s"}\n' "$own" "$more" >"$XDG_CONFIG_HOME/orch/config.yaml"
project
deb "$own" base-files 1 'Essential: yes' 'Depends: awk'
deb "$own" mawk 1 'Provides: awk' 'Source: mawk-source (1-0)'
deb "$own" usr-is-merged 1
deb "$own" lib 1.0
deb "$own" lib-dev 1.0 'Depends: lib (= 1.0)'
deb "$own" app 1.0 'Pre-Depends: lib'
deb "$own" other 1.0
index "$own" stable
index "$own" testing nothing

echo "# what is in a lock"
printf 'kind: debian\narch: amd64\npackages: [app, lib-dev, other]\n' | recipe n
check "lock" o lock n
says "progress on stderr" '^n: reading the package lists'
check "no progress on stdout" sh -c "grep -q reading '$scratch/out'; [ \$? = 1 ]"
check "source, its version, installed size, needs" grep -q \
	'^package own mawk 1 all pool/mawk_1_all.deb [0-9]* [0-9a-f]* mawk-source 1-0 7 -$' "$p/recipes/n.lock"
check "needs through a virtual package" grep -q '^package own base-files .* mawk$' "$p/recipes/n.lock"
check "needs before" grep -q '^package own app .* lib$' "$p/recipes/n.lock"
check "why packages are there" grep -q '^want ?essential base-files,usr-is-merged$' "$p/recipes/n.lock"
same "keys of the archive" 1 "$(grep -c "^archive own stable,testing main $(sha256sum <"$p/keys/own.gpg" | cut -d' ' -f1)\$" "$p/recipes/n.lock")"
cp "$p/recipes/n.lock" "$scratch/first"

echo "# newer versions"
deb "$own" lib 2.0
deb "$own" lib-dev 2.0 'Depends: lib (= 2.0)'
deb "$own" app 2.0 'Depends: lib (>= 2.0)'
deb "$own" other 2.0
index "$own" stable
check "lock again" o lock n
check "nothing moves" cmp "$scratch/first" "$p/recipes/n.lock"
printf 'kind: debian\narch: amd64\npackages: [app, lib-dev, other, mawk]\n' | recipe n
check "lock after a change of the recipe" o lock n
tells "nothing moves then" "answers the changed recipe, with the same packages"
same "lib stays" 1.0 "$(pin n lib)"

echo "# an old state, shown again to who has not seen the new one"
day='2 days ago'
rm -rf "$ORCH_STORE/apt"
index "$own" stable
index "$own" testing nothing
check "lock, with an older state" o lock n
says "an older state is told" '^n: the archives are in a state of 20.*, older than that of the lock (20'
unset day
index "$own" stable
index "$own" testing nothing
check "lock, with today's" o lock n
check "nothing is told of today's" sh -c "grep -q 'older than' '$scratch/err'; [ \$? = 1 ]"

echo "# an archive more"
deb "$more" mawk 9 'Provides: awk'
deb "$more" lib 9.0
index "$more" stable
project '  more: {suites: [stable], components: [main], keyring: keys/own.gpg}'
check "no lock is stale" o plan n
cp "$p/recipes/n.lock" "$scratch/first"
check "lock again" o lock n
check "nothing moves" cmp "$scratch/first" "$p/recipes/n.lock"
project
sed -i 's/testing/testing, third/' "$p/recipes/project.yaml"
code "other suites of the archive: exit 2" 2 "$ORCH" -C "$p" plan n
project

echo "# an archive less, which had the newest state"
day='2 days ago'
rm -rf "$ORCH_STORE/apt"
index "$own" stable
index "$own" testing nothing
project '  more: {suites: [stable], components: [main], keyring: keys/own.gpg}'
printf 'kind: debian\narch: amd64\npackages: [app, mawk]\n' | recipe less
check "lock with it" o lock less --update
check "takes something from there" grep -q '^archive more ' "$p/recipes/less.lock"
project
printf 'kind: debian\narch: amd64\npackages: [app]\n' | recipe less
check "lock without it" o lock less
check "nothing is told of an older state" sh -c "grep -q 'older than' '$scratch/err'; [ \$? = 1 ]"
rm "$p/recipes/less.yaml" "$p/recipes/less.lock"
unset day
index "$own" stable
index "$own" testing nothing

echo "# out of the index, still in the pool"
index "$own" stable app_2.0_all.deb lib_2.0_all.deb lib-dev_2.0_all.deb other_2.0_all.deb \
	base-files_1_all.deb mawk_1_all.deb usr-is-merged_1_all.deb
check "lock again" o lock n
check "nothing moves" cmp "$scratch/first" "$p/recipes/n.lock"
code "offline, nobody can know: exit 4" 4 "$ORCH" -C "$p" --offline lock n
check "and nothing moves" cmp "$scratch/first" "$p/recipes/n.lock"

echo "# out of the pool, too"
rm "$own/pool/lib_1.0_all.deb"
check "lock again" o lock n
tells "what moves says why" "^  ~ lib 1.0 -> 2.0: archive 'own' no longer has 1.0$"
tells "and what has to go along" "^  ~ lib-dev 1.0 -> 2.0: it needs lib (= 1.0), which moves$"
same "nothing else" 2 "$(grep -c '^  ' "$scratch/out")"
same "app stays" 1.0 "$(pin n app)"
same "other stays" 1.0 "$(pin n other)"

echo "# --update of one"
index "$own" stable
deb "$own" app 3.0 'Depends: lib (>= 3.0)'
deb "$own" lib 3.0
deb "$own" lib-dev 3.0 'Depends: lib (= 3.0)'
index "$own" stable
printf 'kind: debian\narch: amd64\npackages: [app]\n' | recipe m
check "another node" o lock m
cp "$p/recipes/m.lock" "$scratch/m"
check "update of one package" o lock n --update app
tells "it moves" "^  ~ app 1.0 -> 3.0$"
tells "and what it needs" "^  ~ lib 2.0 -> 3.0: 'app' needs lib (>= 3.0)$"
tells "and what needs that exactly" "^  ~ lib-dev 2.0 -> 3.0: it needs lib (= 2.0), which moves$"
same "nothing else" 1.0 "$(pin n other)"
check "the other node's lock is as it was" cmp "$scratch/m" "$p/recipes/m.lock"

echo "# what cannot be had together"
deb "$own" foe 1 'Conflicts: other'
index "$own" stable
printf 'kind: debian\narch: amd64\npackages: [foe, other]\n' | recipe c
code "two that conflict: exit 2" 2 o lock c
says "two that conflict: said so" "packages cannot be had together: 'foe' conflicts with other"
rm "$p/recipes/c.yaml"

echo "# what is newly asked for"
deb "$own" lib 4.0
deb "$own" new 1 'Depends: lib (>= 4.0)'
index "$own" stable
printf 'kind: debian\narch: amd64\npackages: [app, lib-dev, other, mawk, new]\n' | recipe n
cp "$p/recipes/n.lock" "$scratch/first"
code "moves no pin: exit 2" 2 o lock n
says "says what is in the way" "'new' needs lib (>= 4.0) (pinned to 3.0); 'orch lock n --update lib' moves that pin"
check "the lock is as it was" cmp "$scratch/first" "$p/recipes/n.lock"
printf 'kind: debian\narch: amd64\npackages: [app, other, new]\n' | recipe n
check "with --update it goes" o lock n --update lib
same "lib moves" 4.0 "$(pin n lib)"
tells "what nothing needs any more goes" "^  - lib-dev 3.0$"
same "other stays" 1.0 "$(pin n other)"

echo "# versions and suites"
deb "$own" other 1.5
deb "$own" other 3.0~next
index "$own" stable other_1.0_all.deb other_2.0_all.deb app_1.0_all.deb app_3.0_all.deb lib_4.0_all.deb new_1_all.deb \
	base-files_1_all.deb mawk_1_all.deb usr-is-merged_1_all.deb
index "$own" testing other_3.0~next_all.deb other_1.5_all.deb
printf 'kind: debian\narch: amd64\npackages: [app=1.0, other/testing]\n' | recipe n
check "lock" o lock n
tells "the version asked for" "^  ~ app 3.0 -> 1.0: the recipe asks for this version$"
tells "the suite asked for" "^  ~ other 1.0 -> 3.0~next: the recipe takes it from 'testing'$"
check "is in the lock" grep -q '^want other/testing other$' "$p/recipes/n.lock"
check "lock again" o lock n
tells "stays" "unchanged"
printf 'kind: debian\narch: amd64\npackages: [app=1.0, other/testin]\n' | recipe n
code "no such suite: exit 2" 2 o plan n
says "no such suite: a near one" "n.yaml:3:21: .*'testin'; did you mean 'testing'"
printf 'kind: debian\narch: amd64\npackages: [app, other]\n' | recipe n

echo "# one on another"
printf 'kind: debian\narch: amd64\nfrom: m\npackages: [other]\n' | recipe a-top
check "lock of all, the lower first" o lock
check "plan" o plan
check "update of the lower" o lock m --update
code "what is on it is stale: exit 2" 2 "$ORCH" -C "$p" plan a-top
check "lock of all" o lock
check "plan" o plan
printf 'kind: debian\narch: amd64\npackages: [app]\narchives: [own]\n' | recipe m
code "the lower is stale" 2 o plan
same "what is on it is not" 1 "$(grep -c 'does not answer' "$scratch/err")"
check "lock of all" o lock

echo "# names that need quoting"
deb "$own" blank 1
mv "$own/pool/blank_1_all.deb" "$own/pool/Blank Tool 100%.deb"
index "$own" stable
printf 'kind: debian\narch: amd64\npackages: [app, blank]\n' | recipe n
check "lock" o lock n
check "is quoted" grep -q ' pool/Blank%20Tool%20100%25.deb ' "$p/recipes/n.lock"
check "is read" o plan n

echo "# damage"
good=$scratch/good
cp "$p/recipes/n.lock" "$good"
deb "$own" app 8.0
deb "$own" lib 8.0
index "$own" stable
lock=$p/recipes/n.lock
sed 's/$/\r/' "$good" >"$lock"
check "CRLF: plan" o plan n
check "CRLF: lock" o lock n
same "CRLF: nothing moves" "$(pin n app)" "$(awk '$3 == "app" && $1 == "package" {print $4}' "$good")"
# damaged NAME LINE WORD: the lock, as it is now, is refused, and left as it is.
damaged() {
	cp "$lock" "$scratch/damaged"
	for command in "plan n" "lock n" "lock n --update" "check"; do
		# shellcheck disable=SC2086
		code "$1: $command: exit 2" 2 o $command
		says "$1: $command: place" "recipes/n.lock:$2:1: .*$3"
	done
	check "$1: is left as it is" cmp "$lock" "$scratch/damaged"
}
{ head -n 6 "$good"; echo '<<<<<<< HEAD'; sed -n 7p "$good"; echo =======; echo '>>>>>>> other'; sed 1,7d "$good"; } >"$lock"
damaged "conflict of a merge" 7 "git checkout --ours"
head -c 700 "$good" >"$lock"
damaged "cut" '[0-9]*' "cut short: restore"
: >"$lock"
damaged "empty" 1 "the lock is empty"
sed '/ app /d' "$good" >"$lock"
damaged "a line lost" '[0-9]*' "its digest differs"
sed 's/^package own app /package own ap\x01p /' "$good" >"$lock"
damaged "garbled" '[0-9]*' "malformed line"
cp "$good" "$lock"

echo "# lines that do not fit the packages, with a digest that does"
sed -i '/^package .* lib /d' "$lock"
sealed "$lock"
code "a line lost: exit 2" 2 o build n
says "a line lost: named" "'app' needs 'lib', which the lock has lost: run 'orch lock n'"
sed 's/\(^package own app \)[^ ]*/\19.9/' "$good" >"$lock"
sealed "$lock"
code "another version: exit 5" 5 o build n
says "another version: both" "n.lock pins package 'app' 9.9 with version '9.9', but the package with that digest says"
sed 's/\(^package own app [^ ]* \)all/\1amd64/' "$good" >"$lock"
sealed "$lock"
code "another architecture: exit 5" 5 o build n
says "another architecture: both" "with architecture 'amd64', but .* says 'all'"
sed -e 's/\(^package own app .*\) [^ ]*$/\1 -/' -e '/^package own lib /d' "$good" >"$lock"
sealed "$lock"
code "a dependency lost, and that it is one: exit 2" 2 o build n
says "a dependency lost: named" "package 'app' [^ ]* depends on 'lib"

echo "# a tool that does not fit its line"
deb "$own" qemu-user 1:10
index "$own" stable
printf 'kind: debian\narch: arm64\npackages: [app]\n' | recipe foreign
check "lock" o lock foreign
check "the emulator is a tool" grep -q '^tool own qemu-user 1:10 all ' "$p/recipes/foreign.lock"
check "and why it is there" grep -q '^want ?tools qemu-user:all$' "$p/recipes/foreign.lock"
cp "$p/recipes/foreign.lock" "$scratch/foreign"
deb "$own" qemu-user 1:11
index "$own" stable
check "lock again" o lock foreign
check "it stays" cmp "$scratch/foreign" "$p/recipes/foreign.lock"
sed -i 's/^tool own qemu-user 1:10/tool own qemu-user 1:9.9/' "$p/recipes/foreign.lock"
sealed "$p/recipes/foreign.lock"
code "another version of a tool: exit 5" 5 o build foreign
says "another version of a tool: both" "package 'qemu-user' 1:9.9 with version '1:9.9', but .* says '1:10'"
rm "$p/recipes/foreign.yaml" "$p/recipes/foreign.lock"
cp "$good" "$lock"

echo "# all at once"
rm "$p/recipes/n.lock" "$p/recipes/m.lock"
printf 'kind: pki\nkey: pki/private/x.key\ncert: pki/x.pem\nkeyring: pki/k.pem\n' | recipe sign
code "plan: exit 2" 2 o plan
same "plan: locks" 3 "$(grep -cE "(n|m).yaml:.*not locked|a-top.yaml:.*'m'.*not locked" "$scratch/err")"
same "plan: no keys" 0 "$(grep -c 'there is no' "$scratch/err")"
code "build: exit 2" 2 o build
same "build: locks and certificates, and no key that nobody signs with" 5 "$(grep -cE "(n|m).yaml:.*not locked|a-top.yaml:.*'m'.*not locked|there is no" "$scratch/err")"
code "check: exit 2" 2 o check
same "check: locks" 3 "$(grep -cE "(n|m|a-top).yaml:.*not locked" "$scratch/err")"
rm "$p/recipes/sign.yaml"
check "lock" o lock
check "check" o check

# apt looks at a list when it fetches it, and keeps what it fetches from a server.
echo "# bits of the lists that are kept"
python3 - "$own" >"$scratch/port" <<'END' &
import http.server, os, sys
os.chdir(sys.argv[1])
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words): pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(s.server_port, flush=True)
s.serve_forever()
END
server=$!
until [ -s "$scratch/port" ]; do sleep 0.1; done
printf 'mirrors: {own: "http://127.0.0.1:%s", more: "file://%s"}\n' "$(cat "$scratch/port")" "$more" >"$XDG_CONFIG_HOME/orch/config.yaml"
# flip LIST TEXT: the lowest bit of the byte after TEXT; size and times stay.
flip() {
	python3 - "$2" "$ORCH_STORE"/apt/*/state/lists/*"$1" <<'END'
import os, sys
path = sys.argv[2]
st = os.stat(path)
with open(path, "r+b") as f:
    at = f.read().index(sys.argv[1].encode()) + len(sys.argv[1])
    f.seek(at)
    c = f.read(1)[0]
    f.seek(at)
    f.write(bytes([c ^ 1]))
os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
END
}
packages=stable_main_binary-amd64_Packages
rm -rf "$ORCH_STORE/apt" "$p/recipes/n.lock"
check "lock" o lock n
cp "$p/recipes/n.lock" "$scratch/first"
# flipped WHAT LIST TEXT
flipped() {
	check "$1: is there" flip "$2" "$3"
	rm "$p/recipes/n.lock"
	check "$1: lock" o lock n
	check "$1: the same lock" cmp "$scratch/first" "$p/recipes/n.lock"
}
flipped "a version" $packages 'Version: '
flipped "a digest" $packages 'SHA256: '
flipped "a dependency" $packages 'Depend'
flipped "the list of the lists" stable_InRelease 'Suite: '
check "a list is damaged" flip $packages 'Version: '
code "offline: exit 5" 5 o lock --offline n
says "offline: remedy" 'the package lists in the store are damaged, and --offline is set: lock without it once'
kill $server
wait $server 2>/dev/null
code "a damaged list and no server: exit 4" 4 o lock n
finish
