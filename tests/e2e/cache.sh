#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A directory as a shared cache: one clone writes, another with a store of its own reads; and what is
# evicted, damaged, unsigned or forged there is told and not used.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
p=$scratch/p dir=$scratch/shared
mkdir -p "$p/recipes" "$p/pki/private" "$scratch/empty"
printf 'schema: 1\nname: share\nversion: "1"\ndefault: [a, b, c]\n' >"$p/recipes/project.yaml"
noise() { openssl enc -aes-128-ctr -K "$1" -iv 00000000000000000000000000000001 </dev/zero 2>/dev/null | head -c "$2"; }
noise 00112233445566778899aabbccddeeff 6M >"$p/noise"
echo 'CANARY-of-a-private-key' >"$p/pki/private/signer.key"
printf 'kind: run\ninputs: [noise]\nrun: [cp noise a.bin]\noutputs: [a.bin]\n' >"$p/recipes/a.yaml"
printf 'kind: run\ninputs: ["a:a.bin"]\nrun: [sha256sum <a.bin >b.txt]\noutputs: [b.txt]\n' >"$p/recipes/b.yaml"
printf 'kind: image\nfilesystem: ext4\nsize: 16M\ncontents:\n  - {copy: "b:b.txt", to: /b.txt}\n' >"$p/recipes/c.yaml"

# who NAME LINE...: a configuration; as NAME COMMAND...: orch with it and with that store.
who() {
	mkdir -p "$scratch/$1/orch"
	who_file=$scratch/$1/orch/config.yaml
	shift
	printf 'remote:\n  cache: "file://%s"\n' "$dir" >"$who_file"
	for line in "$@"; do printf '  %s\n' "$line"; done >>"$who_file"
}
as() {
	as_who=$1
	shift
	XDG_CONFIG_HOME="$scratch/$as_who" ORCH_STORE="$scratch/store-$as_who" "$orch" "$@"
}
# alone NAME: what a build without any cache still has to make with that store.
alone() { ORCH_STORE="$scratch/store-$1" XDG_CONFIG_HOME="$scratch/empty" built "$p"; }
# pull NAME: with a new store; the numbers of what came and what is left.
pull() {
	chmod -R u+w "$scratch/store-$1" 2>/dev/null
	rm -rf "$scratch/store-$1" "$p/out"
	as "$1" -C "$p" cache pull --json >"$scratch/pull.json" 2>"$scratch/pull.err"
	jq -r '"\(.pulled) \(.left)"' "$scratch/pull.json"
}

echo "# keys"
code makes-a-key 0 "$orch" cache key "$scratch/ci.key"
word=$(cat "$scratch/out")
same says-it-again "$word" "$("$orch" cache key "$scratch/ci.key")"
other=$("$orch" cache key "$scratch/other.key")
who ci "sign: $scratch/ci.key" "trust: $word" 'mode: write' 'token: CANARY-of-a-token'
who other "sign: $scratch/other.key" "trust: $other" 'mode: write'
who plain 'mode: write'
who dev "trust: [$word]"
who both "trust: [$other, $word]"

echo "# one writes, another reads"
same ci-builds 'a b c' "$(alone ci)"
sum=$(sha256sum <"$p/out/c/c.img")
code pushes 0 as ci -C "$p" cache push --json
same pushed-all '3 0 0' "$(jq -r '"\(.pushed) \(.known) \(.left)"' "$scratch/out")"
code pushes-again 0 as ci -C "$p" cache push --json
same nothing-moves-twice true "$(jq '.sent < 100000' "$scratch/out")"
same another-clone-pulls '3 0' "$(pull dev)"
same builds-nothing '' "$(alone dev)"
same has-the-same-bytes "$sum" "$(sha256sum <"$p/out/c/c.img")"
same moved-no-holes true "$(jq '.received < 7500000' "$scratch/pull.json")"
same either-key-counts '3 0' "$(pull both)"
lacks no-secret-is-shared 'CANARY|PRIVATE' "$(grep -rla . "$dir" | head -n 1)"
check no-secret-anywhere sh -c 'grep -rqaE "CANARY|PRIVATE KEY" "$1"; [ $? = 1 ]' sh "$dir"
same targets-alone '3 0' "$(rm -rf "$scratch/store-dev"; as dev -C "$p" cache pull --only targets --json b | jq -r '"\(.pulled + 1) \(.left)"')"

echo "# what may not be used"
cp -a "$dir" "$scratch/good"
restore() { rm -rf "$dir" && cp -a "$scratch/good" "$dir"; }
largest() { find "$dir/cas" -type f -size +64k | sort | head -n 1; }
# refused NAME PATTERN: 'a' is not taken, the user is told, and the build makes the same.
refused() {
	same "$1-is-a-miss" '0 3' "$(pull dev)"
	check "$1-is-told" grep -qE "$2" "$scratch/pull.err"
	same "$1-is-built-here" 'a b c' "$(alone dev)"
	same "$1-same-bytes" "$sum" "$(sha256sum <"$p/out/c/c.img")"
}
rm "$(largest)"
same evicted-part-is-a-miss '0 3' "$(pull dev)"
restore
part=$(largest)
printf X | dd of="$part" bs=1 seek=100 conv=notrunc 2>/dev/null
refused wrong-byte 'has other bytes'
check damaged-part-is-gone [ ! -e "$part" ]
code heals 0 as ci -C "$p" cache push
same healed '3 0' "$(pull dev)"
restore
truncate -s -1 "$(largest)"
same truncated-is-a-miss '0 3' "$(pull dev)"
restore
for ac in "$dir"/ac/*; do last=$ac; done
cp "$last" "$scratch/before"
for ac in "$dir"/ac/*; do
	cp "$ac" "$scratch/now"
	cp "$scratch/before" "$ac"
	cp "$scratch/now" "$scratch/before"
done
refused swapped 'is that of another key'
restore
for ac in "$dir"/ac/*; do sed -i 's/seconds [0-9]/seconds 7/' "$ac"; done
refused forged 'somebody has changed it'
restore
for ac in "$dir"/ac/*; do head -c 100000 /dev/urandom >"$ac"; done
refused rubbish 'is not one of orch'
rm -rf "$dir"
same foreign-builds 'a b c' "$(alone other)"
code foreign-writes 0 as other -C "$p" cache push
refused foreign "'trust:' does not name"
code ours-replaces-it 0 as ci -C "$p" cache push --json
same foreign-does-not-block 3 "$(jq .pushed "$scratch/out")"
same then-ours-is-taken '3 0' "$(pull dev)"
rm -rf "$dir"
same plain-builds 'a b c' "$(alone plain)"
code unsigned-writes 0 as plain -C "$p" cache push
refused unsigned 'is not signed'
same unsigned-is-fine-without-trust '3 0' "$(pull plain)"
for ac in "$dir"/ac/*; do sed -i 's/libext2fs [0-9]/libext2fs 0/' "$ac"; done
same other-libraries-are-not-taken '0 3' "$(pull plain)"
check and-it-is-told grep -q 'was made with .*libext2fs 0' "$scratch/pull.err"
restore
as dev cache stats --json >"$scratch/stats"
same stats-count true "$(jq '.caches[0].results == 3 and .caches[0].bytes > 6000000 and .counts.asked > 0' "$scratch/stats")"

echo "# the same key, other bytes"
q=$scratch/q
mkdir -p "$q/recipes"
printf 'schema: 1\nname: chance\nversion: "1"\n' >"$q/recipes/project.yaml"
printf 'kind: run\nrun: ["head -c 16 /dev/urandom >x"]\noutputs: [x]\n' >"$q/recipes/x.yaml"
for w in ci other; do ORCH_STORE="$scratch/store-$w" XDG_CONFIG_HOME="$scratch/empty" "$orch" -C "$q" build >/dev/null 2>&1; done
who other "sign: $scratch/other.key" "trust: [$other, $word]" 'mode: write'
code first-writes 0 as ci -C "$q" cache push
code second-writes 0 as other -C "$q" cache push
check not-reproducible-is-told grep -q "'x' is not reproducible" "$scratch/err"
same the-older-stays '1 0' "$(as ci -C "$q" cache push --json | jq -r '"\(.known) \(.differ)"')"

echo "# room"
same prune-keeps-all 0 "$(as ci cache prune --size 1G --json | jq .results)"
sleep 1
pull dev >/dev/null # the results of p are the newest
bytes=$(as ci cache stats --json | jq '.caches[0].bytes - 100')
same prune-takes-the-oldest 1 "$(as ci cache prune --size "$bytes" --json | jq .results)"
same what-stays-is-whole '3 0' "$(pull dev)"
same prune-to-nothing 0 "$(as ci cache prune --size 1K --json | jq '.kept_results | if . > 1 then . else 0 end')"
who small 'mode: write'
sed -i "s|file://$dir|file://$dir?size=3M|" "$scratch/small/orch/config.yaml"
cp -a "$scratch/store-ci" "$scratch/store-small"
code writes-with-a-limit 0 as small -C "$p" cache push
check limit-is-kept [ "$(du -sb "$dir" | cut -f 1)" -lt 3200000 ]
same no-result-without-bytes 0 "$(pull plain >/dev/null; grep -c 'damaged' "$scratch/pull.err")"
mkdir -p "$scratch/full"
who full 'mode: write'
sed -i "s|file://$dir|file://$scratch/full/c|" "$scratch/full/orch/config.yaml"
if unshare -rm true 2>/dev/null; then
	cat >"$scratch/inside.sh" <<-'INSIDE'
		mount -t tmpfs -o size=2M tmpfs "$1" || exit 77
		XDG_CONFIG_HOME=$2 ORCH_STORE=$3 "$4" -C "$5" cache push
	INSIDE
	mkdir "$scratch/full/c"
	code full-disk-is-told 4 unshare -rm sh "$scratch/inside.sh" "$scratch/full/c" "$scratch/full" "$scratch/store-ci" "$orch" "$p"
	check full-disk-says-so grep -q 'No space left' "$scratch/err"
else
	skip "no user namespaces here"
fi

echo "# a change moves what it changes"
r=$scratch/r
mkdir -p "$r/recipes"
printf 'schema: 1\nname: big\nversion: "1"\n' >"$r/recipes/project.yaml"
printf 'kind: run\ninputs: [x]\nrun: [cp x tree.tar]\noutputs: [tree.tar]\n' >"$r/recipes/tree.yaml"
mkdir "$scratch/t"
for i in 1 2 3 4 5 6 7 8 9; do noise "${i}0112233445566778899aabbccddeeff" 11M >"$scratch/t/$i"; done
pack() { tar -C "$scratch/t" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$r/x" .; }
pack
rm -rf "$dir"
make() { ORCH_STORE="$scratch/store-plain" XDG_CONFIG_HOME="$scratch/empty" "$orch" -C "$r" build >/dev/null 2>&1; }
check tree-builds make
code tree-is-pushed 0 as plain -C "$r" cache push --json
same all-of-it true "$(jq '.sent > 100000000' "$scratch/out")"
check tree-is-pulled env XDG_CONFIG_HOME="$scratch/plain" ORCH_STORE="$scratch/store-reader" "$orch" -C "$r" cache pull
check reader-builds-nothing env XDG_CONFIG_HOME="$scratch/empty" ORCH_STORE="$scratch/store-reader" "$orch" -C "$r" build
noise 40112233445566778899aabbccddee00 900K >"$scratch/t/4a"
pack
check changed-tree-builds make
code changed-is-pushed 0 as plain -C "$r" cache push --json
same at-most-three-percent-up true "$(jq '.sent < 3000000' "$scratch/out")"
code changed-is-pulled 0 env XDG_CONFIG_HOME="$scratch/plain" ORCH_STORE="$scratch/store-reader" "$orch" -C "$r" cache pull --json
same at-most-three-percent-down '1 true' "$(jq -r '"\(.pulled) \(.received < 3000000)"' "$scratch/out")"

echo "# downloads"
printf 'kind: fetch\nurl: "file://%s/file"\nsha256: %s\n' "$scratch" "$(noise 70112233445566778899aabbccddee00 5M | tee "$scratch/file" | sha256sum | cut -d ' ' -f 1)" >"$q/recipes/f.yaml"
rm "$q/recipes/x.yaml"
fetches() { ORCH_STORE="$scratch/store-$1" XDG_CONFIG_HOME="$scratch/empty" "$orch" -C "$q" build >"$scratch/out" 2>"$scratch/err"; }
check fetches fetches plain
as plain -C "$q" cache push --json >"$scratch/push.json"
same download-is-pushed 1 "$(jq .downloads "$scratch/push.json")"
rm "$dir"/ac/"$(jq -r '.nodes[0].key' <"$(ORCH_STORE="$scratch/store-plain" "$orch" -C "$q" plan --json >"$scratch/plan"; echo "$scratch/plan")" | sed 's/^sha256://')"
rm "$scratch/file"
same download-is-pulled '0 1' "$(as reader2 -C "$q" cache pull >/dev/null 2>&1; XDG_CONFIG_HOME="$scratch/plain" ORCH_STORE="$scratch/store-reader2" "$orch" -C "$q" cache pull --json | jq -r '"\(.pulled) \(.downloads)"')"
check archive-is-not-asked fetches reader2
code worker-asks-the-cache 0 env XDG_CONFIG_HOME="$scratch/plain" ORCH_STORE="$scratch/store-reader3" "$orch" -C "$q" build
finish
