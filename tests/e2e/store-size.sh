#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# store-size of config.yaml, kept by builds themselves: what was not used for the longest time goes, never
# what the build or another orch needs; and a disk that is nearly full gets room the same way.
. tests/e2e/lib.sh
p=$scratch/p
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config"
orch=$ORCH_ASAN
mkdir -p "$p/recipes" "$XDG_CONFIG_HOME/orch"
printf 'schema: 1\nname: room\nversion: "1"\n' >"$p/recipes/project.yaml"
limit() { printf 'store-size: %s\n' "$1" >"$XDG_CONFIG_HOME/orch/config.yaml"; }
node() { # NAME MEGABYTES WORD [INPUT]
	printf 'kind: run\ninputs: [%s]\nrun: ["yes %s | head -c %sM >%s.bin"]\noutputs: [%s.bin]\n' \
		"${4:-}" "$3" "$2" "$1" "$1" >"$p/recipes/$1.yaml"
}
fits() { [ "$(du -s -k "$ORCH_STORE" | cut -f 1)" -le $(($1 * 1024)) ]; }
# days NODE: its results were last used so many days ago.
days() {
	python3 - "$ORCH_STORE/state.sqlite" "$1" $(($(date +%s) / 86400 - $2)) <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for (key,) in db.execute("SELECT key FROM record WHERE node = ?", (sys.argv[2],)).fetchall():
    db.execute("INSERT OR REPLACE INTO snapshot VALUES('used/' || lower(hex(?)), CAST(? AS BLOB))", (key, sys.argv[3]))
db.commit()
END
}

echo "# a mistake"
node base 3 base
limit 16X
code "plan tells it: exit 2" 2 "$orch" -C "$p" plan base
check "with its place" grep -q "config.yaml:1:13: .*'16X'" "$scratch/err"
code "as build does" 2 "$orch" -C "$p" build base

echo "# a limit over several builds"
limit 16M
node base 3 base
over=0
for i in 1 2 3 4 5 6 7; do
	node a 3 "a$i" base
	node b 2 "b$i" a
	same "build $i" "a b$([ $i != 1 ] || echo ' base')" "$(built "$p" base a b)"
	fits 16 || over=$((over + 1))
	same "build $i: all that it needs is there" "" "$(built "$p" base a b)"
done
same "the store never has more than store-size" 0 $over
code "it is whole" 0 "$orch" store verify
node a 3 a8 base
"$orch" -C "$p" build --progress json a b >"$scratch/out" 2>"$scratch/events"
jq -r 'select(.event == "note").text' "$scratch/events" >"$scratch/notes"
check "what was removed is said" grep -qE "^removed [0-9.]+ MiB .* store-size is 16.0 MiB: result of '[ab]', last used on" \
	"$scratch/notes"

echo "# what is needed was not used for a long time"
node a 3 other base
days base 30
same "what the build begins with stays" "a b" "$(built "$p" base a b)"
limit 4M
node a 3 third base
days base 30
same "a limit below what the build needs" "a b" "$(built "$p" base a b)"
same "all of it stays" "a b base" "$("$orch" store du --json | jq -r '[.nodes[] | select(.bytes > 0).node] | sort | join(" ")')"
same "and nothing else" "1 1 1" "$("$orch" store du --json | jq -r '[.nodes[].results] | join(" ")')"

echo "# downloads and leftovers"
limit 16M
echo wanted >"$scratch/wanted"
printf 'kind: fetch\nurl: file://%s\nsha256: %s\n' "$scratch/wanted" "$(sha256sum <"$scratch/wanted" | cut -d' ' -f1)" \
	>"$p/recipes/got.yaml"
printf 'kind: run\nrun: ["head -c 1M /dev/zero >left; exit 1"]\noutputs: [left]\n' >"$p/recipes/bad.yaml"
node big 8 big
code "a failure" 1 "$orch" -C "$p" build -k bad big
check "is still there to be looked at" test -d "$(echo "$ORCH_STORE"/failed/bad.*)"

echo "# two at a time"
limit 12M
printf 'kind: run\ninputs: [base]\nrun: ["sleep 4; cat base >slow.bin"]\noutputs: [slow.bin]\n' >"$p/recipes/slow.yaml"
"$orch" -C "$p" build base slow >"$scratch/slow.out" 2>&1 &
pid=$!
while ! grep -q 'start' "$scratch/slow.out"; do sleep 0.1; done
days base 30
node big 8 bigger
same "another build at the same time" "big" "$(built "$p" big)"
lacks "removes nothing" 'removed' "$scratch/err"
wait $pid
same "the first goes well" 0 $?
check "and keeps the limit" fits 12
node big 8 biggest
node huge 7 huge
"$orch" -C "$p" build big >"$scratch/one.out" 2>&1 &
pid=$!
same "two that end together" "huge" "$(built "$p" huge)"
wait $pid
check "one of them keeps the limit" fits 12
code "the store is whole" 0 "$orch" store verify

echo "# a disk that is nearly full"
rm "$XDG_CONFIG_HOME/orch/config.yaml"
if ! unshare -rm true 2>/dev/null; then
	skip "no user namespaces here"
	finish
fi
mkdir "$scratch/disk"
node keep 15 keep
cat >"$scratch/inside.sh" <<'END'
set -u
orch=$1 p=$2 disk=$3 out=$4
mount -t tmpfs -o size=100M tmpfs "$disk"
for i in 1 2 3 4 5 6; do
	printf 'kind: run\ninputs: [base]\nrun: ["yes %s | head -c 10M >many"]\noutputs: [many]\n' $i >"$p/recipes/many.yaml"
	"$orch" -C "$p" --store "$disk/store" build many >"$out/many.$i" 2>&1
	echo $? >>"$out/codes"
done
"$orch" --store "$disk/store" store verify >"$out/verify" 2>&1
echo $? >>"$out/codes"
umount "$disk"
mount -t tmpfs -o size=90M tmpfs "$disk"
for i in 1 2; do
	printf 'kind: run\nrun: ["yes %s | head -c 15M >many"]\noutputs: [many]\n' $i >"$p/recipes/many.yaml"
	"$orch" -C "$p" --store "$disk/store" build keep many >"$out/too-much.$i" 2>&1
	echo $? >>"$out/codes"
done
find "$disk/store/cas" -type f | wc -l >>"$out/codes"
END
unshare -rm sh "$scratch/inside.sh" "$orch" "$p" "$scratch/disk" "$scratch"
same "builds go on" "0 0 0 0 0 0 0" "$(head -n 7 "$scratch/codes" | tr '\n' ' ' | sed 's/ $//')"
same "what would not fit anyway is refused, and nothing goes" "0 8 2" "$(tail -n 3 "$scratch/codes" | tr '\n' ' ' | sed 's/ $//')"
check "with the numbers" grep -qE "needs about 79.0 MiB .*, and removing all that the build does not need would free 15.. MiB; make room" \
	"$scratch/too-much.2"
cat "$scratch"/many.? >"$scratch/many"
check "it says so" grep -qE "removed .*, since the disk is nearly full: result of 'many'" "$scratch/many"
finish
