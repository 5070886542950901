#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A random graph is edited at random; what is built again must be exactly what the edit can reach. A node
# either hands its inputs on (cat) or always makes the same (true): behind the latter nothing is built.
# Usage: tests/e2e/edits.sh [SEED [EDITS]]
. tests/e2e/lib.sh

cat >"$scratch/edits.py" <<'END'
import json, os, random, subprocess, sys

orch, seed, edits = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(seed)
NODES, FILES = 16, 10
names = ["n%02d" % i if i % 4 else "sub/n%02d" % i for i in range(NODES)]
text, inputs, files, opaque, mark, links, directory = {}, {}, {}, {}, {}, {}, {}

def content(i):
    return "f%d" % i if i % 2 else "dir%d/f" % (i // 4)

def write(path, data, mode=0o644):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    if os.path.lexists(path):
        os.remove(path)
    with open(path, "w") as f:
        f.write(data)
    os.chmod(path, mode)

def recipe(i, comment=""):
    refs = [names[k] for k in inputs[i]] + files[i]
    script = ": >out" if opaque[i] else "cat $(find . -type f | grep -v '^./out$' | sort) >out; echo %s >>out" % mark[i]
    write("recipes/%s.yaml" % names[i],
          comment + "kind: run\ninputs: %s\nrun: %s\noutputs: [out]\n" % (json.dumps(refs), json.dumps(script)))

write("recipes/project.yaml", 'schema: 1\nname: edits\nversion: "1"\nvars: {unused: x}\n')
for i in range(FILES):
    write(content(i), "%d\n" % i)
for i in range(NODES):
    inputs[i] = sorted(random.sample(range(i), min(i, random.randrange(4))))
    files[i] = sorted(set(random.choice([content(k), os.path.dirname(content(k)) or content(k)])
                          for k in random.sample(range(FILES), random.randrange(1, 3))))
    opaque[i] = random.random() < 0.25
    mark[i] = "m%d" % i
    recipe(i)

def build():
    p = subprocess.run([orch, "--store", "../store", "build", "--progress", "quiet", "--result-json", "../r.json"],
                       capture_output=True, text=True)
    if p.returncode:
        sys.exit("build failed: %d\n%s" % (p.returncode, p.stderr))
    with open("../r.json") as f:
        return {n["name"]: n["status"] for n in json.load(f)["nodes"]}

def reached(start):
    """Nodes that are built again when those of START are: a node that makes the same stops it."""
    built = set(start)
    for i in range(NODES):
        if any(k in built and not opaque[k] for k in inputs[i]):
            built.add(i)
    return built

def uses(path):
    return {i for i in range(NODES) if any(path == f or path.startswith(f + "/") for f in files[i])}

def edit():
    """Changes something; the nodes whose own key changes."""
    what = random.choice(["content", "content", "touch", "comment", "mode", "mark", "umask", "variable", "new"])
    path = content(random.randrange(FILES))
    i = random.randrange(NODES)
    if what == "content":
        write(path, "%d\n" % random.getrandbits(64), os.stat(path).st_mode & 0o777)
        return what + " " + path, uses(path)
    if what == "touch":
        os.utime(path, (1, random.randrange(2, 10**9)))
        return what, set()
    if what == "mode":
        os.chmod(path, os.stat(path).st_mode ^ 0o111)
        return what + " " + path, uses(path)
    if what == "umask":
        os.chmod(path, os.stat(path).st_mode & 0o700 | 0o400)
        return what, set()
    if what == "comment":
        recipe(i, "# %d\n" % random.getrandbits(32))
        return what, set()
    if what == "variable":
        write("recipes/project.yaml", 'schema: 1\nname: edits\nversion: "1"\nvars: {unused: "%d"}\n' % random.getrandbits(32))
        return what, set()
    if what == "new":
        new = os.path.dirname(path)
        if not new:
            return "nothing", set()
        write(new + "/new%d" % random.getrandbits(32), "x\n")
        return what + " in " + new, uses(new + "/x")
    mark[i] = "m%d" % random.getrandbits(32)
    recipe(i)
    return what + " " + names[i], set() if opaque[i] else {i}

if set(build().values()) != {"built"}:
    sys.exit("not all built at first")
for turn in range(edits):
    what, changed = edit()
    mode = what.startswith("mode")
    # a mode makes another key but not another result, and it may be one that was there before
    want = {names[i] for i in (changed if mode else reached(changed))}
    got = {n for n, s in build().items() if s == "built"}
    if not (got <= want if mode else got == want):
        sys.exit("edit %d (%s): built %s, expected %s" % (turn, what, sorted(got), sorted(want)))
    print("%-28s %2d of %d built" % (what, len(got), NODES))
if any(s != "cached" for s in build().values()):
    sys.exit("a build without an edit built something")
END
mkdir "$scratch/p"
cd "$scratch/p" || exit 1
check "random edits build what they reach" python3 ../edits.py "$ORCH" "${1:-1}" "${2:-25}"
cat "$scratch/check.out"
cd / || exit 1
finish
