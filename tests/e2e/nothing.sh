#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The short way of a build with nothing to do: that it is taken, and that no change slips through it.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$p/src/deep" "$p/real"
printf 'schema: 1\nname: short\nversion: "1"\n' >"$p/recipes/project.yaml"
printf 'kind: run\ninputs: [src]\nrun: ["cat src/one src/deep/two >all"]\noutputs: [all]\n' >"$p/recipes/a.yaml"
printf 'kind: run\ninputs: [a, list.txt]\nrun: ["cat a list.txt >b"]\noutputs: [b]\n' >"$p/recipes/b.yaml"
printf 'one\n' >"$p/src/one"
printf 'two\n' >"$p/src/deep/two"
printf 'abc\n' >"$p/list.txt"

summary() { "$orch" -C "$p" build 2>&1 >/dev/null | sed -n 's/ in [0-9].*//; s/^ok: //p; s/^orch: /error: /p'; }
# opens_recipes: how often a build opens them, "exit N" when it fails.
opens_recipes() {
	if strace -f -e trace=openat,openat2 -o "$scratch/trace" "$ORCH" -C "$p" build >/dev/null 2>&1; then
		grep -c 'recipes' "$scratch/trace"
	else
		echo "exit $?"
	fi
}
# settle: until the short way is taken.
settle() {
	summary >/dev/null
	sleep 0.1
	summary >/dev/null
}
nothing='built 0, cached 2, failed 0, skipped 0'
blob() { # NODE
	"$orch" -C "$p" build --json 2>/dev/null | jq -r --arg n "$1" '.nodes[] | select(.name == $n) | .outputs[0].digest' |
		sed -E "s|^sha256:(..)(.*)|$ORCH_STORE/cas/\1/\2|"
}

same "first build" "built 2, cached 0, failed 0, skipped 0" "$(summary)"
settle
# The shortcut is for one binary: the other one looks once before it takes it.
check "the long way reads recipes" test "$(opens_recipes)" -gt 0
same "the short way reads no recipe" 0 "$(opens_recipes)"
settle
same "and says the same" "$nothing" "$(summary)"
check "outputs too" sh -c "'$orch' -C '$p' build 2>/dev/null | grep -q '^out/b/b  12 B'"
# flip TEXT: a bit of it, in what the short way would say.
flip() {
	python3 - "$ORCH_STORE/state.sqlite" "$p" "$1" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
data = bytearray(db.execute('SELECT data FROM snapshot WHERE name = ?', (sys.argv[2],)).fetchone()[0])
data[data.index(sys.argv[3].encode())] ^= 1
db.execute('UPDATE snapshot SET data = ? WHERE name = ?', (bytes(data), sys.argv[2]))
db.commit()
END
}
"$orch" -C "$p" build >"$scratch/said" 2>/dev/null
for text in '12 B' '2 out/a' 'list.txt'; do
	check "a bit flips in '$text'" flip "$text"
	same "and is not told" "$(cat "$scratch/said")" "$("$orch" -C "$p" build 2>/dev/null)"
	same "nor counted" "$nothing" "$(summary)"
	settle
done
check "from a directory below" sh -c "cd '$p/src' && '$orch' build 2>&1 | grep -q 'cached 2'"

# changed NAME EXPECTED: after a change, the build must say this.
changed() {
	same "$1" "$2" "$(summary)"
	settle
}
two='built 2, cached 0, failed 0, skipped 0'
first='built 1, cached 1, failed 0, skipped 0'

cp -p "$p/list.txt" "$scratch/times"
printf 'xyz\n' >"$p/list.txt"
touch -r "$scratch/times" "$p/list.txt"
changed "an edit that keeps size and mtime" "$first"
printf 'TWO\n' >"$p/src/deep/two"
changed "an edit deep in a directory" "$two"
printf 'new\n' >"$p/src/deep/three"
changed "a new file there" "$first"
rm "$p/src/deep/three"
changed "a file gone" "$nothing"
chmod +x "$p/src/one"
changed "the x bit" "$first"
ln -s one "$p/src/link"
changed "a new link" "$first"
ln -sfn deep "$p/src/link"
changed "a link that leads elsewhere" "$first"
printf '# said\n' >>"$p/recipes/a.yaml"
changed "a comment" "$nothing"
printf 'kind: run\nrun: ["echo c >c"]\noutputs: [c]\n' >"$p/recipes/c.yaml"
nothing='built 0, cached 3, failed 0, skipped 0'
changed "a new recipe" "built 1, cached 2, failed 0, skipped 0"
sed -i 's/echo c/echo d/' "$p/recipes/c.yaml"
changed "an edited recipe" "built 1, cached 2, failed 0, skipped 0"
rm "$p/recipes/c.yaml"
nothing='built 0, cached 2, failed 0, skipped 0'
changed "a recipe gone" "$nothing"
touch "$p/a"
same "a path with the name of a node" 2 "$("$orch" -C "$p" build >/dev/null 2>&1; echo $?)"
rm "$p/a"
settle
b=$(blob a)
settle
chmod u+w "$b"
printf 'one\nXXX\n' >"$b"
# What used it since it was last known to be good is made again, too.
changed "a damaged blob" "built 2, cached 0, failed 0, skipped 0"
rm -f "$(blob a)"
changed "a missing blob" "$first"
chmod u+w "$p/out/b/b"
echo spoiled >"$p/out/b/b"
changed "an edited output" "$nothing"
check "is restored" grep -q xyz "$p/out/b/b"
rm -rf "$p/out"
changed "out/ gone" "$nothing"
check "is there again" test -f "$p/out/b/b"
mv "$p/list.txt" "$p/real/list.txt"
ln -s real/list.txt "$p/list.txt"
changed "an input that became a link" "$nothing"
printf 'end\n' >"$p/real/list.txt"
changed "its target edited" "$first"
printf 'kind: nothing\n' >"$p/recipes/wrong.yaml"
same "a broken recipe" 2 "$("$orch" -C "$p" build >/dev/null 2>&1; echo $?)"
rm "$p/recipes/wrong.yaml"
settle
rm -rf "$ORCH_STORE"
same "no store" "$two" "$(summary)"
finish
