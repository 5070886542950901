#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for secrets where they must not be. For tests/e2e/canary.sh.

canary.py trace TRACE KEY WORD...   of strace -f -xx -y: what was written, sent or executed with a secret in it;
                                    which processes read the key's bytes, and whether they can leave a core
canary.py files KEY WORD... -- PATH...   files below PATHs that hold a secret
canary.py memory PID KEY WORD...    what of them, and of the process itself, is in its memory

KEY is a PEM file with a PKCS#8 key of P-256: its canaries are parts of the secret number and of its base64.
Secrets are looked for as they are, in base64 (as HTTP has them after "USER:") and reversed.
"""
import base64, os, re, sys


def key_parts(path):
    lines = open(path).read().split("\n")[1:-2]
    number = base64.b64decode("".join(lines))[36:68]
    assert len(number) == 32 and base64.b64decode("".join(lines))[34:36] == b"\x04\x20"
    return {"number": number[:12], "number's middle": number[12:24], "number's end": number[20:32],
            "PEM": lines[0][49:].encode(), "PEM's second line": lines[1][:20].encode()}


def word_parts(word):
    parts = {word: word.encode(), word + " reversed": word[::-1].encode()}
    for skip in range(3):  # the three ways in which it may stand in base64
        text = base64.b64encode(b"x" * skip + word.encode())
        parts[f"{word} in base64 {skip}"] = text[4 if skip else 0 : len(text) // 4 * 4 - 4]
    return parts


def parts_of(key, words):
    parts = key_parts(key)
    for word in words:
        parts.update(word_parts(word))
    return parts


def plain(text):
    return re.sub(r"\\x(..)", lambda m: chr(int(m.group(1), 16)), text)


CHILD = r"= (\d+)(?: /\* (\d+) in strace's PID NS \*/)?\s*$"  # what clone returns


def trace(path, key, words):
    parts = {n: "".join(f"\\x{b:02x}" for b in p) for n, p in parts_of(key, words).items()}
    keys = set(key_parts(key))
    parent, program, no_core, readers, calls = {}, {}, set(), {}, 0

    def chain_of(pid):
        return [pid] + (chain_of(parent[pid]) if pid in parent else [])

    def name_of(pid):
        return next((program[p] for p in chain_of(pid) if p in program), "?")

    for line in open(path, errors="replace"):
        m = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>)?", line)
        if not m:
            continue
        pid, call = int(m.group(1)), m.group(2)
        calls += 1
        found = [n for n, p in parts.items() if p in line]
        if call in ("clone", "clone3", "fork", "vfork") and (child := re.search(CHILD, line)):
            parent[int(child.group(2) or child.group(1))] = pid
        elif call == "execve":
            program[pid] = os.path.basename(plain(line.split('"')[1])) if '"' in line else program.get(pid)
        elif call in ("prlimit64", "setrlimit") and "RLIMIT_CORE, {rlim_cur=0, rlim_max=0}" in line:
            no_core.add(pid)
        where = plain(re.sub(r"^[^<]*<([^>]*)>.*", r"\1", line.rstrip()))[:120] if "<" in line else ""
        if call in ("read", "pread64", "readv", "recvfrom", "recvmsg"):
            for n in keys & set(found):
                readers[pid] = where
        elif found:
            print(f"LEAK {call} by {name_of(pid)} ({where}): {', '.join(found)}")
        elif call in ("copy_file_range", "sendfile", "splice") and "private" in plain(line):
            print(f"LEAK {call} of the key by {name_of(pid)}: {where}")
    print(f"{calls} calls")
    for pid in sorted(readers):
        core = "no core" if any(p in no_core for p in chain_of(pid)) else "core"
        print(f"READER {name_of(pid)} {core}" + ("" if len(chain_of(pid)) > 1 else " first"))


def files(key, words, paths):
    parts, count = parts_of(key, words), 0
    for top in paths:
        for dir, _, names in os.walk(top):
            for name in names:
                path = os.path.join(dir, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                count += 1
                data = open(path, "rb").read()
                for n in [n for n, p in parts.items() if p in data or p in name.encode()]:
                    print(f"LEAK {path}: {n}")
    print(f"{count} files")


def memory(pid, key, words):
    parts = parts_of(key, words)
    parts["itself"] = b"canary-demo"
    size = 0
    with open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in open(f"/proc/{pid}/maps"):
            m = re.match(r"(\w+)-(\w+) rw", line)
            if not m:
                continue
            start, end = int(m.group(1), 16), int(m.group(2), 16)
            try:
                mem.seek(start)
                data = mem.read(end - start)
            except OSError:
                continue
            size += len(data)
            for n in [n for n, p in parts.items() if p in data]:
                print(f"FOUND {n}")
    print(f"{size} bytes")


kind, args = sys.argv[1], sys.argv[2:]
if kind == "trace":
    trace(args[0], args[1], args[2:])
elif kind == "files":
    split = args.index("--")
    files(args[0], args[1:split], args[split + 1 :])
else:
    memory(args[0], args[1], args[2:])
