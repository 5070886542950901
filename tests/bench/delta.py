#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""delta.py OLD NEW...: what a device with image OLD in both slots fetches and writes for each NEW.

As rauc's adaptive method block-hash-index does it: blocks of 4 KiB that neither slot has, and that
are not zeros, are fetched, each with the whole block of the bundle's squashfs that it lies in, here
compressed as the bundles of orch are (zstd 3); what differs at its place is written. The index,
which comes on top, is told apart."""
import hashlib
import subprocess
import sys

BLOCK = 4096
SQUASHED = (16, 64, 128)  # KiB
MIB = 1 << 20


def hashes(path):
    with open(path, 'rb') as f:
        return [hashlib.sha256(b.ljust(BLOCK, b'\0')).digest()
                for b in iter(lambda: f.read(BLOCK), b'')]


def packed(data):
    out = subprocess.run(['zstd', '-3', '-q', '-c'], input=data, stdout=subprocess.PIPE, check=True)
    return min(len(data), len(out.stdout))


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
    zero = tuple([hashlib.sha256(bytes(BLOCK)).digest()] * per)
    cut = [{tuple(h[i:i + per]) for i in range(0, len(h), per)} - {zero} for h in (old, new)]
    return len(cut[1] - cut[0]), len(cut[1])


def tell(old, path):
    new = hashes(path)
    have, missing = set(old) | {hashlib.sha256(bytes(BLOCK)).digest()}, []
    for i, h in enumerate(new):
        if h not in have:
            have.add(h)
            missing.append(i)
    written = sum(1 for i, h in enumerate(new) if i >= len(old) or old[i] != h)
    by_size = ', '.join(f'{fetched(path, missing, k) / MIB:.2f} ({k}K)' for k in SQUASHED)
    other, all_chunks = chunks(old, new)
    print(f'{path}: MiB fetched by block-size: {by_size}, and index {packed(b"".join(new)) / MIB:.2f}; '
          f'written {written * BLOCK / MIB:.2f}; {other} of {all_chunks} chunks of 1 MiB differ')


def main():
    old = hashes(sys.argv[1])
    for path in sys.argv[2:]:
        tell(old, path)


main()
