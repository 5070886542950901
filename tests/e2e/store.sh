#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch store du, gc, repair: what goes and what stays, beside a running build, and killed anywhere.
. tests/e2e/lib.sh
p=$scratch/p
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config"
orch=$ORCH_ASAN
nthkill=$scratch/nthkill
cc -O1 -D_GNU_SOURCE -o "$nthkill" tests/nthkill.c || exit 1

mkdir -p "$p/recipes" "$XDG_CONFIG_HOME/orch"
printf 'schema: 1\nname: room\nversion: "1"\n' >"$p/recipes/project.yaml"
node() { # NAME MEGABYTES WORD
	printf 'kind: run\nrun: ["yes %s | head -c %sM >%s.bin"]\noutputs: [%s.bin]\n' \
		"$3" "$2" "$1" "$1" >"$p/recipes/$1.yaml"
}
# shellcheck disable=SC2317 # called by check
build() { "$orch" -C "$p" build "$@" --result-json "$result" >"$scratch/out" 2>"$scratch/err"; }
status() { jq -r '.nodes[] | .name + " " + .status' "$result" | tr '\n' ' '; }
field() { "$orch" store gc --json "$@" | jq -c "$fields"; }
"$orch" store du >"$scratch/out"
check du-of-nothing-has-no-empty-line sh -c "[ -s '$scratch/out' ] && head -n 1 '$scratch/out' | grep -q '^\$'; [ \$? = 1 ]"
node a 3 a
node b 3 b
node c 3 c
check builds build a b c

echo "# du"
"$orch" store du --json >"$scratch/du"
same du-names-nodes 'a b c' "$(jq -r '[.nodes[].node] | sort | join(" ")' "$scratch/du")"
same du-counts-bytes true "$(jq '[.nodes[].bytes] | add == 9437184' "$scratch/du")"
same du-nothing-is-unnamed 0 "$(jq '[.parts[].unnamed] | add' "$scratch/du")"
code du-for-people 0 "$orch" store du
cat >"$p/recipes/odd.yaml" <<'END'
kind: run
root: host
run:
  - |
    head -c 2M /dev/urandom >many; for i in 1 2 3 4 5 6 7 8 9; do ln many many$i; done
    mkdir shut; head -c 3M /dev/urandom >shut/x; chmod 0 shut
    perl -e 'for (1 .. 5000) { mkdir "d"; chdir "d" or die } open F, ">x"; print F "x" x 4000000' && exit 1
outputs: [many]
END
code du-of-what-a-node-left 1 "$orch" -C "$p" build odd
odd=$(echo "$ORCH_STORE"/failed/odd.*/work/work)
"$orch" store du --json >"$scratch/du"
same du-leaves-modes-alone 0 "$(stat -c %a "$odd/shut")"
chmod 700 "$odd/shut" # for the other du
same du-counts-what-du-counts "$(du -s -B 1 "$ORCH_STORE" | cut -f 1)" "$(jq .bytes "$scratch/du")"
same du-tells-all-of-it true "$(jq '.bytes - ([.parts[].bytes] | add) < 65536' "$scratch/du")"
chmod 0 "$odd/shut"
code gc-of-it 0 "$orch" store gc --size 16M
empty gc-removes-it "$ORCH_STORE/failed"
rm "$p/recipes/odd.yaml"

echo "# gc"
fields='[.results, .blobs, .downloads]'
same nothing-to-remove '[0,0,0]' "$(field)"
echo rubbish >"$ORCH_STORE/cas/00/11111111111111111111111111111111111111111111111111111111111111"
mkdir -p "$ORCH_STORE/downloads" "$ORCH_STORE/roots/$(printf %064d 1).boot/usr" "$ORCH_STORE/failed/old" "$ORCH_STORE/failed/new"
touch -d '20 days ago' "$ORCH_STORE/failed/old"
same unnamed-goes '[0,1,0]' "$(field)"
same leftovers-go 'new' "$(find "$ORCH_STORE/failed" "$ORCH_STORE/roots" -mindepth 1 -maxdepth 1 -printf %f)"
build a b c
same all-is-still-there 'a cached b cached c cached ' "$(status)"

# Made long ago, as their records say; used today, a week and three days ago.
python3 - "$ORCH_STORE/state.sqlite" $(($(date +%s) / 86400)) <<'END'
import ctypes, hashlib, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
old, text = 1600000000, ctypes.create_string_buffer(64)
for id, key, node, seconds, log, outputs in db.execute(
        "SELECT id, key, node, seconds, log, outputs FROM record").fetchall():
    ctypes.CDLL(None).snprintf(text, 64, b"%a %lld", ctypes.c_double(seconds), ctypes.c_longlong(old))
    sum = hashlib.sha256(b"".join([key, log, node.encode(), b"\0", outputs.encode(), b"\0", text.value, b"\0"]))
    db.execute("UPDATE record SET built_at = ?, sum = ? WHERE id = ?", (old, sum.digest(), id))
    day = int(sys.argv[2]) - {"a": 0, "b": 7, "c": 3}[node]
    db.execute("INSERT OR REPLACE INTO snapshot VALUES('used/' || lower(hex(?)), CAST(? AS BLOB))", (key, str(day)))
db.commit()
END
same dry-run '[1,1,0]' "$(field --size 8M --dry-run)"
same dry-run-removes-nothing 3 "$(find "$ORCH_STORE/cas" -type f | wc -l | tr -d ' ')"
"$orch" store gc --size 8M >"$scratch/out"
check oldest-goes grep -q "result of 'b', last used on $(date -u -d '7 days ago' +%F)" "$scratch/out"
printf 'store-size: 5M\n' >"$XDG_CONFIG_HOME/orch/config.yaml"
"$orch" store gc >"$scratch/out"
check size-from-the-config grep -q "result of 'c', last used on" "$scratch/out"
rm "$XDG_CONFIG_HOME/orch/config.yaml"
code store-is-whole 0 "$orch" store verify
build a b c
same only-what-went-is-built 'a cached b built c built ' "$(status)"
code wrong-size 2 "$orch" store gc --size large
head -c 5M /dev/zero >"$ORCH_STORE/downloads/$(printf %064d 7)"
touch -d '40 days ago' "$ORCH_STORE/downloads/$(printf %064d 7)"
same du-names-what-is-beside-results "download $(printf %064d 7)" "$("$orch" store du --json | jq -r '.things[0].name')"
same downloads-count '[0,0,1]' "$(field --size 11M)"
mkdir -p "$ORCH_STORE/apt/0123-amd64" "$ORCH_STORE/failed/kept"
head -c 3M /dev/zero >"$ORCH_STORE/apt/0123-amd64/lists"
head -c 3M /dev/zero >"$ORCH_STORE/failed/kept/scratch"
"$orch" store gc --size 15M >"$scratch/out"
check leftovers-count-and-go-first grep -q '^failed/kept, last used on' "$scratch/out"
check package-lists-stay test -e "$ORCH_STORE/apt/0123-amd64/lists"
"$orch" store gc --size 12M >"$scratch/out"
check package-lists-go-next grep -q '^package lists, last used on' "$scratch/out"
same then-the-store-fits true "$("$orch" store du --json | jq '[.nodes[].bytes] | add == 9437184')"
"$orch" store gc -n --size 1 >"$scratch/out"
check what-cannot-go-is-said grep -q 'which gc does not remove' "$scratch/out"

echo "# no store"
mkdir -p "$scratch/home/logs/sub" "$scratch/home/tmp"
echo precious >"$scratch/home/logs/sub/diary"
code a-used-directory-is-no-store 2 "$orch" --store "$scratch/home" store gc
check and-stays-as-it-is sh -c "test -f '$scratch/home/logs/sub/diary' && test ! -e '$scratch/home/cas'"

rm -rf "${scratch:?}/home"
mkdir -p "$scratch/left/tmp/work"
chmod 555 "$scratch/left/tmp/work"
code what-rm-left-of-a-store-is-none 2 "$orch" --store "$scratch/left" store du
check and-the-remedy-is-told grep -q "goes with 'chmod -R u+w' and another one" "$scratch/err"
mkdir -m 777 "$scratch/open"
code a-store-that-all-can-write-to 7 "$orch" --store "$scratch/open" store du
check the-mode-to-set-is-told grep -q 'everybody can write to it, and so to what you build: chmod go-w' "$scratch/err"
chmod go-w "$scratch/open"
code with-that-mode-it-is-one 0 "$orch" --store "$scratch/open" store du
code a-new-one-is-not 0 sh -c 'umask 0 && "$1" --store "$2" store du && [ "$(stat -c %a "$2")" = 755 ]' sh "$orch" "$scratch/new"
long=$scratch
while [ ${#long} -lt 401 ]; do long=$long/$(printf %0200d 1); done
code a-path-that-is-too-long 2 "$orch" --store "$long" store du
check how-long-it-may-be-is-told grep -q 'its path has [0-9]* bytes, and those of its database would be too long: name one of at most 400' "$scratch/err"
long=$(printf %s "$long" | cut -c 1-398)
code one-that-is-long-enough 0 "$orch" --store "$long" store du
rm -rf "$scratch/open" "$scratch/new"

echo "# beside a build"
printf 'kind: run\ninputs: [a]\nrun: ["cat a >slow.bin; sleep 4"]\noutputs: [slow.bin]\n' >"$p/recipes/slow.yaml"
"$orch" -C "$p" build slow --result-json "$scratch/slow.json" >"$scratch/slow.out" 2>&1 &
pid=$!
while ! grep -q 'start' "$scratch/slow.out"; do sleep 0.1; done
code build-is-respected 9 "$orch" store gc --size 1 --no-wait
"$orch" store gc --size 8M --json >"$scratch/json" 2>"$scratch/said" &
json=$!
"$orch" store gc --size 8M >"$scratch/out" 2>&1
check gc-waits-for-it grep -q 'waiting until no other orch' "$scratch/out"
wait $json
check and-says-so-beside-json grep -q 'waiting until no other orch' "$scratch/said"
check json-is-alone jq -e .ok "$scratch/json"
wait $pid
same build-goes-well 0 $?
code whole-after-both 0 "$orch" store verify

echo "# killed anywhere"
rounds=0
died=0
bad=0
check builds-all build a b c slow
jq -S '[.nodes[] | {name, outputs}]' "$result" >"$scratch/want"
cp -a "$ORCH_STORE" "$scratch/full"
"$nthkill" 0 "$ORCH" store gc --size 4M >/dev/null 2>"$scratch/count"
total=$(tail -n 1 "$scratch/count")
n=1
while [ "$n" -le "$total" ]; do
	rm -rf "$ORCH_STORE"
	cp -a "$scratch/full" "$ORCH_STORE"
	"$nthkill" $n "$ORCH" store gc --size 4M >/dev/null 2>&1
	[ $? = 137 ] && died=$((died + 1))
	if ! "$ORCH" store verify >"$scratch/verify" 2>&1; then
		echo "  call $n: $(tail -n 2 "$scratch/verify")"
		bad=$((bad + 1))
	fi
	rounds=$((rounds + 1))
	n=$((n + 1 + total / 40))
done
same "valid after $rounds kills of $total places" 0 $bad
check most-of-them-really-died test "$died" -gt $((rounds * 3 / 4))
check builds-again build a b c slow
jq -S '[.nodes[] | {name, outputs}]' "$result" >"$scratch/got"
check the-same-again cmp "$scratch/want" "$scratch/got"

echo "# the database is lost or garbled"
cached='a cached b cached c cached slow cached '
rm "$ORCH_STORE"/state.sqlite*
build a b c slow
same all-is-known-by-files "$cached" "$(status)"
check and-it-says-so grep -q 'database was missing: 4 records were read from their files' "$scratch/err"
rm "$ORCH_STORE/state.sqlite"
build a b c slow
same a-log-without-its-database "$cached" "$(status)"
for at in 0 5000 13000; do
	"$orch" store verify >/dev/null
	printf 'garbled here for %s bytes' $at | dd of="$ORCH_STORE/state.sqlite" bs=1 seek=$at conv=notrunc 2>/dev/null
	head -c 3000 /dev/urandom | dd of="$ORCH_STORE/state.sqlite-wal" bs=1 seek=40 conv=notrunc 2>/dev/null
	build a b c slow
	same "garbled at $at" "$cached" "$(status)"
done

echo "# repair"
for blob in "$ORCH_STORE"/cas/*/*; do break; done
chmod u+w "$blob"
echo more >>"$blob"
rm "$(find "$ORCH_STORE/cas" -type f | sort | tail -n 1)"
code repair 0 "$orch" store repair
# slow.bin is a.bin once more
same repair-says 1 "$(grep -c '1 were damaged, 3 outputs will be made again' "$scratch/out")"
code whole-after-repair 0 "$orch" store verify
check builds-after-repair build a b c slow
jq -S '[.nodes[] | {name, outputs}]' "$result" >"$scratch/got"
check the-same-after-repair cmp "$scratch/want" "$scratch/got"
code no-such-verb 2 "$orch" store clean
finish
