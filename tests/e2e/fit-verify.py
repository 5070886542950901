# SPDX-License-Identifier: GPL-3.0-or-later
"""fit-verify.py FIT CERT: whether U-Boot would start each configuration of a FIT image.

As its fdt_find_regions() and fit_config_check_sig() have it: the signature is over the nodes that
"hashed-nodes" names, without where data lie, then the end of the structure, then the first
"hashed-strings" bytes of the strings. Prints what is wrong; exit 1."""
import hashlib
import struct
import subprocess
import sys
import tempfile

DATA = ('data', 'data-size', 'data-position', 'data-offset')


def words(data):
    return data.rstrip(b'\0').decode().split('\0')


class Tree:
    def __init__(self, path):
        self.bytes = open(path, 'rb').read()
        (magic, self.size, self.at, self.strings_at, _, _, _, _, self.string_bytes, _) = struct.unpack_from(
            '>10I', self.bytes)
        assert magic == 0xd00dfeed, 'no device tree'
        self.tokens, self.nodes, stack, p = [], {}, [], self.at
        while True:
            start, (tag,) = p, struct.unpack_from('>I', self.bytes, p)
            p, name = p + 4, None
            if tag == 1:
                end = self.bytes.index(b'\0', p)
                stack.append(self.bytes[p:end].decode())
                name = '/'.join(stack) or '/'
                self.nodes[name] = {}
                p = (end + 4) & ~3
            elif tag == 3:
                n, at = struct.unpack_from('>2I', self.bytes, p)
                at += self.strings_at
                name = self.bytes[at:self.bytes.index(b'\0', at)].decode()
                self.nodes['/'.join(stack) or '/'][name] = self.bytes[p + 8:p + 8 + n]
                p = (p + 8 + n + 3) & ~3
            self.tokens.append((tag, name, start, p))
            if tag == 2:
                stack.pop()
            if tag == 9:
                return

    def signed(self, included, string_bytes):
        out, want, stack = b'', 0, []
        for tag, name, start, end in self.tokens:
            take = want >= 2
            if tag == 1:
                stack.append(want)
                want = 2 if name in included else max(want - 1, 0)
                take = want > 0
            elif tag == 2:
                take, want = want > 0, stack.pop()
            elif tag == 3:
                take = take and name not in DATA
            elif tag == 9:
                take = True
            if take:
                out += self.bytes[start:end]
        return out + self.bytes[self.strings_at:self.strings_at + string_bytes]

    def data(self, image):
        node = self.nodes[image]
        if 'data' in node:
            return node['data']
        n, = struct.unpack('>I', node['data-size'])
        at = ((self.size + 3) & ~3) + struct.unpack('>I', node['data-offset'])[0]
        return self.bytes[at:at + n]

    def children(self, parent):
        return [n for n in self.nodes if n.startswith(parent + '/') and '/' not in n[len(parent) + 1:]]


def signature_holds(fit, signature, cert):
    node = fit.nodes[signature]
    included = words(node['hashed-nodes'])
    with tempfile.TemporaryDirectory() as d:
        with open(d + '/sig', 'wb') as f:
            f.write(node['value'])
        with open(d + '/text', 'wb') as f:
            f.write(fit.signed(included, struct.unpack('>2I', node['hashed-strings'])[1]))
        key = subprocess.run(['openssl', 'x509', '-in', cert, '-pubkey', '-noout'], check=True,
                             capture_output=True).stdout
        with open(d + '/key', 'wb') as f:
            f.write(key)
        return subprocess.run(['openssl', 'dgst', '-sha256', '-verify', d + '/key', '-signature', d + '/sig',
                               d + '/text'], capture_output=True).returncode == 0


def main():
    fit, cert, wrong = Tree(sys.argv[1]), sys.argv[2], []
    for conf in fit.children('/configurations'):
        signatures = [n for n in fit.children(conf) if 'value' in fit.nodes[n]]
        if not any(signature_holds(fit, n, cert) for n in signatures):
            wrong.append(f'{conf}: not signed by {cert}')
    for image in fit.children('/images'):
        for n in fit.children(image):
            if words(fit.nodes[n]['algo']) != ['sha256'] or \
                    hashlib.sha256(fit.data(image)).digest() != fit.nodes[n]['value']:
                wrong.append(f'{n}: not the hash of the data')
    print('\n'.join(wrong) or 'all configurations verify')
    sys.exit(bool(wrong))


main()
