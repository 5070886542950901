#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulated board with one card, whose power is cut again and again at random moments: while
it starts, while it installs a bundle, right after, while it shuts down. Sometimes the card is
damaged in between. After each cut the board has to come back by itself: a slot is marked good,
and the slot that runs is byte for byte an image that was built.

    power-cuts.py --image install.img --uboot u-boot.bin --bundle bundle.raucb --root root.img
                  [--root OTHER.img] [--cuts 20] [--seed 1] [--work FOLDER] [--limit 900]

Prints a line for each cut, and the seed that repeats them. The console is in FOLDER/console.log.
"""
import argparse
import base64
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

os.environ['PATH'] += ':/usr/sbin:/sbin'  # where mkfs.ext4 is
ENV_AT, ENV_SIZE = (0x100000, 0x200000), 0x8000
PROMPT = r'U-Boot> |^=> |login:|\(initramfs\)'
# What the guest runs: scripts come in base64, a line each; status and output go back.
AGENT = r'''
mkdir -p /run/agent
exec 3<>/dev/virtio-ports/org.orch.agent
echo "HELLO $(cat /proc/sys/kernel/random/boot_id)" >&3
while read -r line <&3; do
	echo "$line" | base64 -d >/run/agent/script
	/bin/sh -e /run/agent/script >/run/agent/out 2>&1 </dev/null 3>&-
	echo "RC $? $(base64 -w0 /run/agent/out)" >&3
done
'''
UNIT = '''[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/sh -c 'echo %s | base64 -d >/run/agent.sh; exec /bin/sh /run/agent.sh'
Restart=always
RestartSec=1
'''
RULE = 'SUBSYSTEM=="virtio-ports", ATTR{name}=="org.orch.agent", TAG+="systemd", ' \
    'ENV{SYSTEMD_WANTS}+="a.service"\n'


class Failure(Exception):
    """The board did not do what it has to do."""


class Board:
    """The board, switched on and off; nothing of it is in the image: the shell comes through
    credentials (fw_cfg) and a virtio port."""

    def __init__(self, card, uboot, media, work, extra=()):
        self.card, self.uboot, self.media, self.work, self.extra = card, uboot, media, work, extra
        self.console = open(os.path.join(work, 'console.log'), 'a', encoding='utf-8')
        self.qemu = None

    def on(self):
        self.tmp = tempfile.mkdtemp(dir=self.work)
        path = {name: os.path.join(self.tmp, name) for name in ('unit', 'rule', 'socket')}
        with open(path['unit'], 'w', encoding='utf-8') as f:
            f.write(UNIT % base64.b64encode(AGENT.encode()).decode())
        with open(path['rule'], 'w', encoding='utf-8') as f:
            f.write(RULE)
        credential = 'name=opt/io.systemd.credentials/%s,file=%s'
        argv = ['qemu-system-aarch64', '-nodefaults', '-display', 'none', '-monitor', 'none',
                '-serial', 'stdio', '-accel', 'tcg,thread=multi,tb-size=512', '-M', 'virt',
                '-cpu', 'cortex-a57', '-smp', '2', '-m', '1G', '-bios', self.uboot,
                '-device', 'sdhci-pci', '-device', 'sd-card,drive=card0',
                '-drive', 'if=none,id=card0,format=raw,cache=unsafe,file=' + self.card,
                '-nic', 'user,model=virtio-net-pci', '-device', 'virtio-serial-pci',
                '-chardev', 'socket,id=agent,server=on,wait=off,path=' + path['socket'],
                '-device', 'virtserialport,chardev=agent,name=org.orch.agent',
                '-fw_cfg', credential % ('systemd.extra-unit.a.service', path['unit']),
                '-fw_cfg', credential % ('udev.rules.a', path['rule']),
                '-drive', 'if=none,id=media,format=raw,readonly=on,file=' + self.media,
                '-device', 'virtio-blk-pci,drive=media', *self.extra]
        self.lines, self.seen, self.answers = [], 0, b''
        self.started = time.monotonic()
        self.qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self._read, args=(self.qemu.stdout,), daemon=True)
        self.reader.start()
        self.agent = socket.socket(socket.AF_UNIX)
        for _ in range(100):
            try:
                self.agent.connect(path['socket'])
                break
            except OSError:
                time.sleep(0.1)

    def cut(self):
        if not self.qemu:
            return
        self.qemu.kill()
        self.qemu.wait()
        self.qemu = None
        self.reader.join(5)
        self.agent.close()
        self.console.write('=== cut\n')
        shutil.rmtree(self.tmp)

    def _read(self, pipe):
        rest = b''
        while part := os.read(pipe.fileno(), 65536):
            *lines, rest = (rest + part).split(b'\n')
            for line in lines:
                now = time.monotonic() - self.started
                text = re.sub(r'\x1b\[[0-9;?]*[a-zA-Z]', '', line.decode(errors='replace'))
                self.console.write('%8.2f %s\n' % (now, text.rstrip('\r')))
                self.lines.append(text)
            self.console.flush()

    def wait(self, pattern, within):
        """The next console line with the pattern; a prompt is a failure at any time."""
        end = time.monotonic() + within
        while True:
            while self.seen < len(self.lines):
                line = self.lines[self.seen]
                self.seen += 1
                if re.search(PROMPT, line):
                    raise Failure('a prompt: %r' % line)
                if re.search(pattern, line):
                    return line
            if self.qemu.poll() is not None:
                raise Failure('the emulator ended: %s' % self.lines[-3:])
            if time.monotonic() > end:
                raise Failure('no %r within %d s' % (pattern, within))
            time.sleep(0.05)

    def _answer(self, within):
        end = time.monotonic() + within
        while b'\n' not in self.answers:
            self.agent.settimeout(max(0.1, end - time.monotonic()))
            try:
                part = self.agent.recv(65536)
            except socket.timeout:
                raise Failure('no answer from the system in %d s' % within) from None
            if not part:
                raise Failure('the system hung up')
            self.answers += part
        line, self.answers = self.answers.split(b'\n', 1)
        return line.decode()

    def send(self, script):
        self.agent.sendall(base64.b64encode(script.encode()) + b'\n')

    def run(self, script, within=600):
        """Status and output of a shell script in the system."""
        self.send(script)
        while True:
            word, *rest = self._answer(within).split(' ')
            if word == 'RC':
                text = base64.b64decode(rest[1]).decode(errors='replace') if len(rest) > 1 else ''
                self.console.write('--- %s\n%s--- %s\n' % (script, text, rest[0]))
                return int(rest[0]), text


def environment(card):
    """The newer valid copy of U-Boot's environment, {} if there is none."""
    best = None
    with open(card, 'rb') as f:
        for at in ENV_AT:
            f.seek(at)
            copy = f.read(ENV_SIZE)
            if zlib.crc32(copy[5:]) == int.from_bytes(copy[:4], 'little') and (
                    best is None or (copy[4] - best[4]) % 256 < 128):
                best = copy
    if best is None:
        return {}
    return dict(v.decode().partition('=')[::2] for v in best[5:].split(b'\0\0')[0].split(b'\0'))


def partitions(card):
    """name -> (first byte, size), from the primary table or else the backup at the end."""
    size = os.path.getsize(card)
    with open(card, 'rb') as f:
        for at in 512, size - 512:
            f.seek(at)
            head = f.read(92)
            if head[:8] != b'EFI PART':
                continue
            entries, count, length = struct.unpack('<QII', head[72:88])
            f.seek(entries * 512)
            table = f.read(count * length)
            if zlib.crc32(table) != int.from_bytes(head[88:92], 'little'):
                continue
            found = {}
            for i in range(0, len(table), length):
                first, last = struct.unpack('<QQ', table[i + 32:i + 48])
                if last:
                    name = table[i + 56:i + length].decode('utf-16-le').rstrip('\0')
                    found[name] = (first * 512, (last + 1 - first) * 512)
            return found
    raise Failure('no valid partition table on the card')


def same(card, at, image):
    with open(card, 'rb') as a, open(image, 'rb') as b:
        a.seek(at)
        while part := b.read(1 << 22):
            if a.read(len(part)) != part:
                return False
    return True


def overwrite(card, at, data):
    with open(card, 'r+b') as f:
        f.seek(at)
        f.write(data)


def damage_environment(card, dice):
    """One copy or both: zeros, or one flipped byte."""
    hit = dice.choice([ENV_AT[:1], ENV_AT[1:], ENV_AT])
    for at in hit:
        overwrite(card, at + dice.choice([0, 4, 64]), dice.randbytes(dice.choice([1, 4096])))
    return 'environment, %d of 2 copies' % len(hit)


def damage_table(card, dice):
    """The primary table, as if a write had been torn, or all of it."""
    overwrite(card, 512, bytes(dice.choice([512, 33 * 512])))
    return 'primary partition table'


def damage_data(card, dice):
    at, size = partitions(card)['data']
    for _ in range(dice.choice([1, 30])):
        overwrite(card, at + dice.randrange(0, size >> 2, 4096), dice.randbytes(4096))
    if dice.random() < 0.5:
        overwrite(card, at, bytes(dice.choice([2048, 1 << 20])))
    return 'data partition'


def damage_idle_boot(card, dice):
    at, size = partitions(card)['boot']
    idle = (4 << 20) + (size if at == 4 << 20 else 0)
    overwrite(card, idle, dice.randbytes(1 << 20))
    return 'idle half of the boot region'


DAMAGES = [damage_environment, damage_table, damage_data, damage_idle_boot]
INSTALL = '''mkdir -p /run/media; mountpoint -q /run/media || mount -o ro LABEL=media /run/media
rauc install /run/media/bundle.raucb'''


class Life:
    def __init__(self, args):
        self.args, self.dice = args, random.Random(args.seed)
        self.card = os.path.join(args.work, 'card.img')
        media = os.path.join(args.work, 'media.img')
        subprocess.check_call(['cp', '--sparse=always', args.image, self.card])
        os.chmod(self.card, 0o644)
        os.truncate(self.card, 4 << 30)
        with tempfile.TemporaryDirectory(dir=args.work) as directory:
            os.link(os.path.realpath(args.bundle), directory + '/bundle.raucb') \
                if os.stat(args.bundle).st_dev == os.stat(directory).st_dev and \
                os.access(args.bundle, os.W_OK) else \
                shutil.copy(args.bundle, directory + '/bundle.raucb')
            size = (os.path.getsize(args.bundle) >> 20) + 40
            subprocess.check_call(['mkfs.ext4', '-q', '-L', 'media', '-d', directory, media, '%dM' % size])
        self.board = Board(self.card, args.uboot, media, args.work, args.qemu)
        self.installs = 0

    def come_back(self):
        """From power-on to the good mark; what runs must be a whole image."""
        begin = time.monotonic()
        self.board.on()
        self.board.wait(r'marked slot rootfs\.[01] as good', self.args.limit)
        # The last line of the boot script before the mark says which slot it is.
        slot = [m[1] for m in (re.search(r'BOOT: slot ([AB]) order', l) for l in self.board.lines) if m][-1]
        at, _ = partitions(self.card)['root-' + slot.lower()]
        if not any(same(self.card, at, root) for root in self.args.root):
            raise Failure('slot %s was marked good and is no image that was built' % slot)
        return slot, time.monotonic() - begin

    def cut_in_boot(self):
        after = self.dice.uniform(0, self.args.boot)
        self.board.on()
        time.sleep(after)
        return 'starting, after %.1f s' % after

    def cut_in_install(self):
        after = self.dice.uniform(0, self.args.install)
        self.come_back()
        self.board.send(INSTALL)
        time.sleep(after)
        return 'installing, after %.1f s' % after

    def cut_after_install(self):
        slot, _ = self.come_back()
        status, text = self.board.run(INSTALL, self.args.limit * 2)
        if status:
            raise Failure('the bundle does not install:\n' + text)
        self.installs += 1
        after = self.dice.uniform(0, 30)
        self.board.send('systemctl reboot')
        time.sleep(after)
        return 'installed from %s, %.1f s after the reboot' % (slot, after)

    def live(self):
        acts = [self.cut_in_boot] * 3 + [self.cut_in_install] * 4 + [self.cut_after_install]
        for number in range(1, self.args.cuts + 1):
            what = (self.cut_in_boot if number == 1 else self.dice.choice(acts))()
            self.board.cut()
            if number % 3 == 0:
                what += '; damaged: ' + self.dice.choice(DAMAGES)(self.card, self.dice)
            left = {k: v for k, v in environment(self.card).items() if k.startswith('BOOT_')}
            print('cut %3d  %s  %s' % (number, what, left), flush=True)
            slot, seconds = self.come_back()
            self.board.cut()
            print('         back on %s in %.0f s' % (slot, seconds), flush=True)
        print('%d cuts, %d whole installations: the board always came back' %
              (self.args.cuts, self.installs))


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n\n', maxsplit=1)[0])
    for name in 'image', 'uboot', 'bundle':
        p.add_argument('--' + name, required=True)
    p.add_argument('--root', required=True, action='append')
    p.add_argument('--cuts', type=int, default=20)
    p.add_argument('--seed', type=int, default=int(time.time()))
    p.add_argument('--work', default=tempfile.gettempdir())
    p.add_argument('--limit', type=int, default=900, help='seconds for a start')
    p.add_argument('--boot', type=int, default=90, help='cuts in a start: up to so many seconds')
    p.add_argument('--install', type=int, default=150)
    p.add_argument('--qemu', action='append', default=[], help='one more argument for QEMU')
    args = p.parse_args()
    print('seed %d' % args.seed, flush=True)
    life = Life(args)
    try:
        life.live()
    except Failure as failure:
        print('failed: %s\nlast lines of the console:\n%s' % (
            failure, '\n'.join(life.board.lines[-40:])))
        return 1
    finally:
        life.board.cut()
    return 0


sys.exit(main())
