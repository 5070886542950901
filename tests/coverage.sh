#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How much of each layer the unit and data tests reach:  tests/coverage.sh [WORD...]
# Builds in _build-coverage, runs what has one of the WORDs in its name, or all, and prints lines and
# branches by layer, then the functions with the most lines that nobody reached. A map to read for holes, not a
# number to reach: what runs as root, in a guest or in a killed worker leaves no trace. Details:
# _build-coverage/coverage.json, as of gcovr.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build=_build-coverage
command -v gcovr >/dev/null || { echo "coverage needs gcovr: ./dev deps" >&2; exit 77; }
[ -f $build/build.ninja ] || meson setup $build -Db_coverage=true -Dbuildtype=debug >$build.log 2>&1 || { cat $build.log; exit 3; }
rm -f $build.log
ninja -C $build >$build/ninja.log 2>&1 || { tail -n 40 $build/ninja.log; exit 3; }
find $build -name '*.gcda' -delete

meson test -C $build --no-rebuild --suite unit --list 2>/dev/null | sed 's/^.* \/ //' >$build/units
wanted=()
while read -r name; do
	[ $# = 0 ] && wanted+=("$name")
	for word; do [[ $name == *$word* ]] && wanted+=("$name"); done
done <$build/units
if [ ${#wanted[@]} -gt 0 ]; then
	meson test -C $build --no-rebuild --timeout-multiplier 4 "${wanted[@]}" 2>&1 | grep -E '^(Ok|Fail|Timeout|Skipped)|FAIL'
fi
# Started by root, orch becomes the owner of a project, who counts in the same files.
[ "$(id -u)" != 0 ] || chmod -R a+rwX $build
tests/data.sh $build/engine/cli/orch "$@" | sed -n '/^not ok/p; $!d'

gcovr --root . --filter engine/ --object-directory $build --gcov-ignore-parse-errors --json $build/coverage.json \
	--exclude-unreachable-branches --exclude-throw-branches $build >$build/gcovr.log 2>&1 ||
	{ tail $build/gcovr.log; exit 3; }
python3 - $build/coverage.json <<'END'
import collections, json, re, sys
layers = collections.defaultdict(lambda: [0, 0, 0, 0])
functions = []
for f in json.load(open(sys.argv[1]))["files"]:
    if not f["file"].endswith(".c"):
        continue
    layer = layers[f["file"].split("/")[1]]
    counts = {l["line_number"]: l["count"] for l in f["lines"] if not l.get("gcovr/noncode")}
    for l in f["lines"]:
        if l.get("gcovr/noncode"):
            continue
        layer[0] += l["count"] > 0
        layer[1] += 1
        layer[2] += sum(b["count"] > 0 for b in l["branches"])
        layer[3] += len(l["branches"])
    name = None
    for number, text in enumerate(open(f["file"], errors="replace"), 1):
        if text[0].isalpha() and (names := [n for n in re.findall(r"(\w+)\(", text) if n != "__attribute__"]):
            name, start, missed, all = names[0], number, 0, 0
        if name and number in counts:
            missed += counts[number] == 0
            all += 1
        if text.startswith("}") and name:
            functions.append((missed, all, f"{f['file']}:{start} {name}"))
            name = None
print("layer        lines          branches")
total = [0, 0, 0, 0]
for name, c in sorted(layers.items()):
    total = [a + b for a, b in zip(total, c)]
    print(f"{name:9} {100 * c[0] / max(c[1], 1):5.1f} % of {c[1]:6} {100 * c[2] / max(c[3], 1):5.1f} % of {c[3]:6}")
print(f"{'all':9} {100 * total[0] / max(total[1], 1):5.1f} % of {total[1]:6} {100 * total[2] / max(total[3], 1):5.1f} % of {total[3]:6}")
print("\nlines not reached, by function")
for missed, all, where in sorted(functions, reverse=True)[:40]:
    print(f"{missed:4} of {all:3}  {where}")
END
