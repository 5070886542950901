#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""delta.py OLD NEW...: what a device with image OLD in both slots fetches and writes for each NEW.
delta.py --month BEFORE-THAT|- BEFORE NEW: a row of docs/small-updates.md, of a device that
runs BEFORE: with BEFORE in the other slot, too, and with BEFORE-THAT there; beside xdelta3.
delta.py --mean < ROWS: the last row of that table.

As rauc's adaptive method block-hash-index does it: blocks of 4 KiB that neither slot has, and that
are not zeros, are fetched, each with the whole block of the bundle's squashfs that it lies in, here
compressed as the bundles of orch are (zstd 3); what differs at its place is written. Of the slot that
is written only what is not overwritten yet counts. The index, which comes on top, is told apart."""
import ctypes
import ctypes.util
import hashlib
import os
import subprocess
import sys

BLOCK = 4096
SQUASHED = (16, 64, 128)  # KiB
MONTHLY = 64  # KiB, the block-size of the reference project
MIB = 1 << 20
PARTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../_build/tests/bench/bench-parts')
ZERO = hashlib.sha256(bytes(BLOCK)).digest()
zstd = ctypes.CDLL(ctypes.util.find_library('zstd'))
zstd.ZSTD_compress.restype = zstd.ZSTD_compressBound.restype = ctypes.c_size_t


def hashes(path):
    zeros = bytes(BLOCK)
    with open(path, 'rb') as f:
        return [ZERO if b == zeros else hashlib.sha256(b.ljust(BLOCK, b'\0')).digest()
                for b in iter(lambda: f.read(BLOCK), b'')]


def packed(data):
    room = zstd.ZSTD_compressBound(ctypes.c_size_t(len(data)))
    out = ctypes.create_string_buffer(room)
    n = zstd.ZSTD_compress(out, ctypes.c_size_t(room), data, ctypes.c_size_t(len(data)), 3)
    return min(len(data), n)


def fetched(path, missing, kib):
    """Bytes of the squashfs blocks of KIB that hold the blocks with the numbers MISSING."""
    size, total = kib * 1024, 0
    with open(path, 'rb') as f:
        for group in sorted({i * BLOCK // size for i in missing}):
            f.seek(group * size)
            total += packed(f.read(size))
    return total


def chunks(old, new):
    """Of the chunks of 1 MiB of NEW with data, how many OLD does not have."""
    per = MIB // BLOCK
    zero = tuple([ZERO] * per)
    cut = [{tuple(h[i:i + per]) for i in range(0, len(h), per)} - {zero} for h in (old, new)]
    return len(cut[1] - cut[0]), len(cut[1])


def missing(running, target, new):
    """The numbers of NEW's blocks that are fetched, while RUNNING runs and TARGET is overwritten."""
    have, last, ret = set(running) | {ZERO}, {h: i for i, h in enumerate(target)}, []
    for i, h in enumerate(new):
        if h not in have and last.get(h, -1) < i:
            ret.append(i)
        have.add(h)
    return ret


def written(target, new):
    return BLOCK * sum(1 for i, h in enumerate(new) if i >= len(target) or target[i] != h)


def parts(path):
    """The parts that results are shared in (remote/parts.h), and their lengths."""
    out = subprocess.run([PARTS, path], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {digest: int(n) for digest, n in (line.split() for line in out.splitlines())}


def other_parts(before, path):
    """How many of a hundred bytes of PATH are in parts that BEFORE does not have."""
    was, now = parts(before), parts(path)
    return 100 * sum(n for d, n in now.items() if d not in was) / sum(now.values())


def xdelta(before, path):
    """With the whole of BEFORE in its window, it finds more than as it comes."""
    with subprocess.Popen(['xdelta3', '-9', '-B', str(1 << 30), '-e', '-c', '-s', before, path],
                          stdout=subprocess.PIPE) as p:
        n = sum(len(b) for b in iter(lambda: p.stdout.read(MIB), b''))
    if p.returncode:
        sys.exit('delta.py: xdelta3 fails')
    return n


def tell(before, old, path):
    new = hashes(path)
    lack = missing(old, old, new)
    by_size = ', '.join(f'{fetched(path, lack, k) / MIB:.2f} ({k}K)' for k in SQUASHED)
    other, all_chunks = chunks(old, new)
    print(f'{path}: MiB fetched by block-size: {by_size}, and index {packed(b"".join(new)) / MIB:.2f}; '
          f'written {written(old, new) / MIB:.2f}; {other} of {all_chunks} chunks of 1 MiB, '
          f'{other_parts(before, path):.1f} % of the bytes in shared parts')


def month(before_that, before, path):
    running, new = hashes(before), hashes(path)
    columns = []
    for target in [running] + ([hashes(before_that)] if before_that != '-' else []):
        columns += [fetched(path, missing(running, target, new), MONTHLY) / MIB,
                    written(target, new) / MIB]
    row = [f'{c:.2f}' for c in columns] + ['', ''] * (before_that == '-')
    other, all_chunks = chunks(running, new)
    row += [f'{packed(b"".join(new)) / MIB:.2f}', f'{xdelta(before, path) / MIB:.2f}',
            f'{100 * other / all_chunks:.0f} %',
            f'{other_parts(before, path):.0f} %']
    print(' | '.join(row))


def mean():
    rows = [[c.strip() for c in line.strip().strip('|').split('|')] for line in sys.stdin]
    ret = []
    for column in list(zip(*rows))[2:]:
        numbers = [float(c.split()[0]) for c in column if c]
        unit = ' %' if column[-1].endswith('%') else ''
        ret.append(f'{sum(numbers) / len(numbers):.{0 if unit else 2}f}{unit}')
    print(f'| mean | | {" | ".join(ret)} |')


def main():
    if sys.argv[1] == '--month':
        month(*sys.argv[2:])
    elif sys.argv[1] == '--mean':
        mean()
    else:
        old = hashes(sys.argv[1])
        for path in sys.argv[2:]:
            tell(sys.argv[1], old, path)


main()
