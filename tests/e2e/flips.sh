#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Bits of blobs that change while size and times stay, as a disk leaves them: none is handed out, none
# is built in, and verify and repair end in a store in which everything is right.
. tests/e2e/lib.sh
p=$scratch/p
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config"
orch=$ORCH_ASAN
mkdir -p "$p/recipes"
printf 'schema: 1\nname: flips\nversion: "1"\ndefault: [c, image]\n' >"$p/recipes/project.yaml"
printf 'kind: run\nrun: ["seq 10 >a.txt"]\noutputs: [a.txt]\n' >"$p/recipes/a.yaml"
printf 'kind: run\ninputs: [a]\nrun: ["sort -r a >b.txt"]\noutputs: [b.txt]\n' >"$p/recipes/b.yaml"
step_c() { # COMMENT
	printf 'kind: run\ninputs: [a, b]\nrun: ["cat a b >c.txt # %s"]\noutputs: [c.txt]\n' "$1" >"$p/recipes/c.yaml"
}
printf 'kind: disk\nsize: 8M\npartitions:\n  - {name: data, type: linux-generic, size: 4M}\n' >"$p/recipes/image.yaml"
step_c 0
build() { "$orch" -C "$p" build --result-json "$scratch/result.json" >"$scratch/out" 2>"$scratch/err"; }
status() { jq -r '.nodes[] | .name + " " + .status' "$scratch/result.json" | tr '\n' ' '; }
blob() { # NODE: the file of its first output
	jq -r --arg n "$1" '.nodes[] | select(.name == $n) | .outputs[0].digest' "$scratch/digests" |
		sed -E 's|^sha256:(..)(.*)|\1/\2|; s|^chunks:(..)(.*)|\1/\2.chunks|' | sed "s|^|$ORCH_STORE/cas/|"
}
flip() { # FILE OFFSET
	python3 - "$1" "$2" <<'END'
import os, sys
path, at = sys.argv[1], int(sys.argv[2])
st = os.stat(path)
os.chmod(path, 0o644)
with open(path, "r+b") as f:
    f.seek(at)
    c = f.read(1)
    f.seek(at)
    f.write(bytes([c[0] ^ 1]))
os.chmod(path, 0o444)
os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
END
}
code first-build 0 build
cp "$scratch/result.json" "$scratch/digests"
cp -R "$p/out" "$scratch/want"
# Where a result comes from changes with the run that made it.
right() { diff -r -x .copied -x .beside -x '*.provenance.json' "$scratch/want" "$p/out" >"$scratch/diff" 2>&1; }

echo "# handed out"
wrong=0
for node in c image; do
	for at in 0 1 2 7; do
		flip "$(blob $node)" $at
		rm -rf "$p/out"
		build && right && grep -q 'in the store is damaged' "$scratch/err" || wrong=$((wrong + 1))
	done
done
same 'of 8 flips in targets, wrong or unnoticed' 0 $wrong

echo "# built in"
wrong=0
n=0
for node in a b a b; do
	n=$((n + 1))
	flip "$(blob $node)" $n
	step_c $n
	build && right && grep -q 'was damaged: its content has changed' "$scratch/err" || wrong=$((wrong + 1))
done
same 'of 4 flips in inputs, wrong or unnoticed' 0 $wrong
same 'the damaged ones are in quarantine' 12 "$(find "$ORCH_STORE/quarantine" -type f | wc -l | tr -d ' ')"

echo "# made again with the same bytes"
flip "$(blob c)" 3
step_c other
code build-of-equal-bytes 0 build
check and-it-says-so grep -q 'was damaged' "$scratch/err"
check the-good-ones-are-handed-out right

# What an orch that trusted size and times would have left: c made of a damaged b.
echo "# a poisoned record"
flip "$(blob b)" 0
printf 'kind: run\nrun: ["printf poison >c.txt"]\noutputs: [c.txt]\n' >"$p/recipes/poison.yaml"
"$orch" -C "$p" build poison >/dev/null 2>&1
rm -rf "$p/recipes/poison.yaml" "$p/out/poison"
python3 - "$ORCH_STORE/state.sqlite" <<'END'
import ctypes, hashlib, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
outputs = db.execute("SELECT outputs FROM record WHERE node = 'poison'").fetchone()[0]
text = ctypes.create_string_buffer(64)
for id, key, seconds, at, log in db.execute(
        "SELECT id, key, seconds, built_at, log FROM record WHERE node = 'c'").fetchall():
    ctypes.CDLL(None).snprintf(text, 64, b"%a %lld", ctypes.c_double(seconds), ctypes.c_longlong(at))
    sum = hashlib.sha256(b"".join([key, log, b"c\0", outputs.encode(), b"\0", text.value, b"\0"]))
    db.execute("UPDATE record SET outputs = ?, sum = ? WHERE id = ?", (outputs, sum.digest(), id))
db.commit()
END
rm -rf "$ORCH_STORE/records"
code verify-finds-it 6 "$orch" store verify
check and-what-used-it grep -q "a result of 'c' was made with blob" "$scratch/out"
code then-all-is-right 0 "$orch" store verify
code build-after-verify 0 build
check no-poison right
same what-was-made-again 'a cached b built c built image cached ' "$(status)"
flip "$(blob a)" 0
code repair 0 "$orch" store repair
code build-after-repair 0 build
check right-after-repair right

echo "# nothing to do"
code no-op 0 build
same nothing-was-made 'a cached b cached c cached image cached ' "$(status)"
finish
