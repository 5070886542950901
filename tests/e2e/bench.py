#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A board on a bench that is nobody's child: a QEMU, and who asks for it finds a socket.

bench.py serve DIR QEMU ARG...   keeps the board; its card is DIR/board.img while it has it
bench.py DIR on|off              the relay
bench.py DIR host|board          the multiplexer: the card is DIR/host.img, or the board's
bench.py DIR crash               QEMU dies by itself
bench.py DIR log                 what was asked for so far
"""
import os
import socket
import subprocess
import sys


class Bench:
    def __init__(self, directory, argv):
        self.dir, self.argv, self.qemu, self.log = directory, argv, None, []

    def path(self, name):
        return os.path.join(self.dir, name)

    def is_on(self):
        return self.qemu is not None and self.qemu.poll() is None

    def on(self):
        if self.is_on():
            return "the board is on already"
        if not os.path.exists(self.path("board.img")):
            return "the board has no card"
        with open(self.path("qemu.log"), "ab") as log:
            self.qemu = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log,
                                         stderr=log)
        return ""

    def off(self):
        if self.is_on():
            self.qemu.kill()
            self.qemu.wait()
        return ""

    crash = off

    def switch(self, here, there):
        if self.is_on():
            return "the card is in use"
        if os.path.exists(self.path(here)):
            os.rename(self.path(here), self.path(there))
        return ""

    def host(self):
        return self.switch("board.img", "host.img")

    def board(self):
        return self.switch("host.img", "board.img")

    def answer(self, word):
        if word == "log":
            return " ".join(self.log)
        self.log.append(word)
        said = {"on": self.on, "off": self.off, "crash": self.crash, "host": self.host,
                "board": self.board}[word]()
        return "no: " + said if said else "yes"


def serve(directory, argv):
    bench = Bench(directory, argv)
    door = socket.socket(socket.AF_UNIX)
    door.bind(bench.path("control"))
    door.listen()
    print("serving", flush=True)
    while True:
        with door.accept()[0] as peer:
            peer.sendall(bench.answer(peer.recv(100).decode().strip()).encode())


def ask(directory, word):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(os.path.join(directory, "control"))
        peer.sendall(word.encode())
        said = peer.recv(65536).decode()
    if said.startswith("no: "):
        sys.exit("bench: " + said[4:])
    if word == "log":
        print(said)


if sys.argv[1] == "serve":
    serve(sys.argv[2], sys.argv[3:])
else:
    ask(sys.argv[1], sys.argv[2])
