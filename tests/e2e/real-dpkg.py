#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares two root file systems, as root:  real-dpkg.py ORCH REAL EXCEPTIONS SINCE

ORCH and REAL are directories; SINCE (seconds) is when the older of them was begun. Of every path:
type, owner by name, permissions, link target, device, hard links, extended attributes (capabilities,
access lists), content, and the time of what came with a package. A line per difference; exit 1 if any.

EXCEPTIONS has lines 'HOW GLOB...   # script and call'. HOW is
  random  what is drawn at random: only owner, permissions and size class (powers of two) are equal
  differs what the sandbox is known to make in another way: not compared
  gone    taken out of every tree by orch (media/tree/clean.h): not compared
There are 20 of the first two at most.
"""
import fnmatch
import hashlib
import os
import stat
import sys


def exceptions(path):
    rules = []
    count = 0
    for line in open(path):
        words = line.split("#")[0].split()
        rules += [(words[0], glob) for glob in words[1:]]
        count += bool(words) and words[0] != "gone"
    if count > 20:
        sys.exit("%s: %d exceptions, more than 20" % (path, count))
    return rules


def names(root, file):
    table = {}
    for line in open(os.path.join(root, "etc", file)):
        name, _, number = line.split(":")[:3]
        table.setdefault(int(number), name)
    return table


def lines_without(text, fields):
    """Lines of a ':' table, sorted, without some fields: numbers are given out in order."""
    out = []
    for line in text.decode().splitlines():
        words = line.split(":")
        out.append(":".join("" if i in fields else w for i, w in enumerate(words)))
    return "\n".join(sorted(out)).encode()


def three_by_three(text):
    lines = text.splitlines()
    return b"\n".join(sorted(b"|".join(lines[i : i + 3]) for i in range(0, len(lines), 3)))


def sorted_lines(text):
    return b"\n".join(sorted(text.splitlines()))


# Files whose order says in which order packages came, which dpkg leaves open.
NORMAL = {
    "etc/passwd": lambda t: lines_without(t, {2, 3}),
    "etc/group": lambda t: lines_without(t, {2}),
    "etc/shadow": lambda t: lines_without(t, {2}),
    "etc/gshadow": sorted_lines,
    "etc/shells": sorted_lines,
    "var/lib/dpkg/diversions": three_by_three,
    "var/lib/dpkg/statoverride": sorted_lines,
    "var/lib/dpkg/triggers/File": sorted_lines,
}


def content(root, path, st):
    full = os.path.join(root, path)
    if stat.S_ISLNK(st.st_mode):
        return os.readlink(full)
    if not stat.S_ISREG(st.st_mode):
        return str(st.st_rdev) if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode) else ""
    with open(full, "rb") as f:
        if path in NORMAL:
            return hashlib.sha256(NORMAL[path](f.read())).hexdigest()
        digest = hashlib.sha256()
        while block := f.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()


def attributes(full):
    out = []
    for name in sorted(os.listxattr(full, follow_symlinks=False)):
        out.append(name + "=" + os.getxattr(full, name, follow_symlinks=False).hex())
    return " ".join(out)


class Tree:
    def __init__(self, root, rules):
        self.root = root
        self.users, self.groups = names(root, "passwd"), names(root, "group")
        self.paths = {}
        self.links = {}
        self.gone = [glob for how, glob in rules if how in ("gone", "differs")]
        self.walk("")

    def walk(self, path):
        for name in sorted(os.listdir(os.path.join(self.root, path))):
            sub = path + "/" + name if path else name
            if any(fnmatch.fnmatchcase("/" + sub, g) for g in self.gone):
                continue
            st = os.lstat(os.path.join(self.root, sub))
            self.paths[sub] = st
            if stat.S_ISDIR(st.st_mode):
                self.walk(sub)
            elif st.st_nlink > 1:
                self.links.setdefault(st.st_ino, []).append(sub)

    def facts(self, path, random):
        st = self.paths[path]
        facts = {
            "type and permissions": stat.filemode(st.st_mode),
            "owner": self.users.get(st.st_uid, st.st_uid),
            "group": self.groups.get(st.st_gid, st.st_gid),
            "attributes": attributes(os.path.join(self.root, path)),
            "names": " ".join(self.links.get(st.st_ino, [])) if st.st_nlink > 1 and not stat.S_ISDIR(st.st_mode) else "",
        }
        if random:
            facts["size class"] = st.st_size.bit_length()
        else:
            facts["content"] = content(self.root, path, st)
        return facts


def main():
    rules = exceptions(sys.argv[3])
    since = int(sys.argv[4])
    ours, real = Tree(sys.argv[1], rules), Tree(sys.argv[2], rules)
    random = [glob for how, glob in rules if how == "random"]
    bad = 0
    for path in sorted(set(ours.paths) | set(real.paths)):
        chance = any(fnmatch.fnmatchcase("/" + path, g) for g in random)
        if path not in real.paths or path not in ours.paths:
            if not chance:
                print("/%s: only %s has it" % (path, "orch" if path in ours.paths else "dpkg"))
                bad += 1
            continue
        a, b = ours.facts(path, chance), real.facts(path, chance)
        for fact in a:
            if a[fact] != b[fact]:
                print("/%s: %s: orch %s, dpkg %s" % (path, fact, a[fact], b[fact]))
                bad += 1
        was = int(real.paths[path].st_mtime)
        if was < since and int(ours.paths[path].st_mtime) != was and not stat.S_ISDIR(real.paths[path].st_mode):
            print("/%s: time: orch %d, dpkg %d" % (path, ours.paths[path].st_mtime, was))
            bad += 1
    print("%d paths, %d differences" % (len(set(ours.paths) | set(real.paths)), bad))
    return 1 if bad else 0


sys.exit(main())
