# SPDX-License-Identifier: GPL-3.0-or-later
# What sharing results saves a team, computed from what the nodes of a project really took:
#
#   python3 tests/bench/sharing.py ORCH PROJECT [NAME=VALUE]...
#
# PROJECT is built in the store that orch uses: seconds and bytes of each node are those of its records,
# what follows from an edit is its graph. A day is played: developers edit what DAY says, build, and take
# in what others have merged, of which a CI builds each once. NAMEs, and what they are when not given:
import json
import os
import random
import re
import subprocess
import sys

SETTINGS = {
    "developers": 50,
    "builds": 8,        # of each in a day
    "merged": 0.25,     # of the edits
    "updates": 2,       # how often a developer takes in what was merged
    "jobs": 10,         # of the CI in a day that start with nothing, beside those of merged edits
    "tree": 0.025,      # of a tree's bytes that are new when a package of it changes
    "image": 0.12,      # of those of images, bundles and other files, then
    "small": 0.016,     # of those of images, bundles and other files when a few files of a tree change
}
# Which node an edit begins at, and how often: weights. What a project does not have is left out.
DAY = {"root": 60, "software": 20, "base": 8, "u-boot": 6, "platform": 3, "initramfs": 2, "toolchain": 1}
# Those that change a few files and no package.
SMALL = {"root", "software"}
GIB, HOUR = 1 << 30, 3600


def orch(*words):
    return json.loads(subprocess.run([sys.argv[1], "-C", sys.argv[2], *words, "--json"], check=True, capture_output=True).stdout)


def records(store):
    """{node: (seconds, {output type: bytes})} of all keys of the plan."""
    out = {}
    for node in orch("plan")["nodes"]:
        key = (node["key"] or "").split(":")[-1]
        path = os.path.join(store, "records", key[:2], key[2:])
        if not key or not os.path.exists(path):
            sys.exit("'%s' is not built in '%s': run 'orch build' first" % (node["name"], store))
        seconds, made = 0.0, {}
        with open(path, encoding="utf-8", errors="replace") as f:
            for line in f:
                words = line.split()
                if line.startswith("manifest"):
                    break
                if words[0] == "seconds":
                    seconds = float.fromhex(words[1])
                if words[0] == "output":
                    kind, allocated = re.match(r'output ".*" (\w+) \w+ \d+ (\d+)', line).groups()
                    made[kind] = made.get(kind, 0) + int(allocated)
        out[node["name"]] = seconds, made
    return out


def reached(start, users):
    todo, seen = [start], set()
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += users.get(node, [])
    return seen


class Team:
    def __init__(self, nodes, users, targets, settings):
        self.nodes, self.users, self.targets, self.set = nodes, users, targets, settings
        self.starts = [n for n in DAY if n in nodes]

    def seconds(self, names):
        return sum(self.nodes[n][0] for n in names)

    def edit(self, start):
        """{node: its new bytes} of an edit that begins at START"""
        def share(kind):
            if start in SMALL:
                return 0 if kind == "tree" else self.set["small"]
            return self.set["tree" if kind == "tree" else "image"]
        return {n: sum(size * share(kind) for kind, size in self.nodes[n][1].items()) for n in reached(start, self.users)}

    def day(self, seed):
        """(seconds alone, seconds with a shared cache, bytes up, bytes down)"""
        s, chance = self.set, random.Random(seed)
        alone = shared = up = down = 0
        merged = []
        for _ in range(int(s["developers"] * s["builds"])):
            new = self.edit(chance.choices(self.starts, [DAY[n] for n in self.starts])[0])
            alone += self.seconds(new)
            shared += self.seconds(new)  # nobody has built this before
            if chance.random() < s["merged"]:
                merged.append(new)
                alone += self.seconds(new)  # by the CI, from what it keeps
                up += sum(new.values())
        everything = self.seconds(self.nodes)
        alone += s["jobs"] * everything
        down += s["jobs"] * sum(sum(self.nodes[t][1].values()) for t in self.targets)
        for _ in range(int(s["developers"] * s["updates"])):
            part = merged[:: int(s["updates"]) or 1]
            names = set().union(*part) if part else set()
            alone += self.seconds(names)
            down += sum(max(new.get(n, 0) for new in part) for n in names & self.targets)
        return alone, shared + self.seconds([n for new in merged for n in new]), up, down


def main():
    settings = dict(SETTINGS, **{k: float(v) for k, v in (w.split("=") for w in sys.argv[3:])})
    store = os.environ.get("ORCH_STORE") or os.path.expanduser("~/.cache/orch")
    nodes = records(store)
    graph = orch("graph")
    users = {}
    for edge in graph["edges"]:
        if edge["from"] in nodes and edge["to"] in nodes:
            users.setdefault(edge["from"], []).append(edge["to"])
    targets = {n["name"] for n in graph["nodes"] if n["target"] and n["name"] in nodes}
    team = Team(nodes, users, targets, settings)
    days = [team.day(seed) for seed in range(20)]
    alone, shared, up, down = (sum(d[i] for d in days) / len(days) for i in range(4))
    print("%d nodes, %.0f s of work, %.1f GiB of outputs" % (len(nodes), team.seconds(nodes), sum(sum(m.values()) for _, m in nodes.values()) / GIB))
    for name in team.starts:
        new = team.edit(name)
        print("an edit of %-10s %2d nodes, %4.0f s, %4.0f MiB of new bytes stored" %
              (name, len(new), team.seconds(new), sum(new.values()) / (1 << 20)))
    print("a day of %d developers, alone:    %5.1f hours of work" % (settings["developers"], alone / HOUR))
    print("                  with a cache:    %5.1f hours, %.1f GiB stored, %.1f GiB fetched" % (shared / HOUR, up / GIB, down / GIB))


main()
