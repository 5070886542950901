# SPDX-License-Identifier: GPL-3.0-or-later
# An HTTP/2 server that does what the request's message says, well or badly, and prints its port:
#   python3 hostile-h2.py
# The message is a word: see the functions below. "ok:TEXT" answers TEXT.
#   python3 hostile-h2.py WORD
# An engine of the REAPI that takes part in the first call (its capabilities) of a connection and answers
# all others as WORD says: class Engine.
import re
import socket
import struct
import sys
import threading
import time

DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind, flags, stream, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def literal(name, value):
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


def message(body, flag=0, size=None):
    return bytes([flag]) + struct.pack(">I", len(body) if size is None else size) + body


HEAD = b"\x88" + literal(b"content-type", b"application/grpc")


def head(s):
    return frame(HEADERS, END_HEADERS, s, HEAD)


def end(s, status=b"0", text=b""):
    return frame(HEADERS, END_HEADERS | END_STREAM, s, literal(b"grpc-status", status) + literal(b"grpc-message", text))


def data(s, body):
    return b"".join(frame(DATA, 0, s, body[i:i + 16384]) for i in range(0, len(body), 16384))


def answer(s, body):
    return head(s) + data(s, message(body)) + end(s)


class Closed(Exception):
    pass


class Connection:
    def __init__(self, sock):
        self.sock, self.buf, self.mute = sock, b"", False
        self.asked = {}

    def read(self, n):
        while len(self.buf) < n:
            more = self.sock.recv(65536)
            if not more:
                raise Closed
            self.buf += more
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def send(self, *parts):
        if not self.mute:
            self.sock.sendall(b"".join(parts))

    def serve(self):
        self.read(24)
        self.send(frame(SETTINGS, 0, 0))
        while True:
            h = self.read(9)
            size, kind, flags = int.from_bytes(h[:3], "big"), h[3], h[4]
            stream, body = int.from_bytes(h[5:9], "big"), self.read(size)
            if kind == SETTINGS and not flags & ACK:
                self.send(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                self.send(frame(PING, ACK, 0, body))
            elif kind == HEADERS:
                self.headers(stream, body)
            elif kind == DATA:
                if size:
                    self.send(frame(WINDOW, 0, 0, struct.pack(">I", size)), frame(WINDOW, 0, stream, struct.pack(">I", size)))
                self.asked.setdefault(stream, bytearray()).extend(body)
                if flags & END_STREAM:
                    self.whole(stream, bytes(self.asked.pop(stream)))

    def headers(self, stream, block):
        pass

    def whole(self, stream, framed):
        self.take(stream, framed[5:])

    def take(self, stream, body):
        name, _, text = body.decode("latin-1").partition(":")
        getattr(self, "do_" + name)(stream, text)

    def do_ok(self, s, text):
        self.send(answer(s, text.encode()))

    def do_big(self, s, text):
        self.send(answer(s, b"x" * int(text)))

    def do_stream(self, s, text):
        self.send(head(s), *(frame(DATA, 0, s, message(b"%d" % i)) for i in range(int(text))), end(s))

    def do_bytewise(self, s, text):
        self.send(head(s))
        for b in message(text.encode()):
            self.send(frame(DATA, 0, s, bytes([b])))
        self.send(end(s))

    def do_status(self, s, text):
        status, _, words = text.partition(" ")
        self.send(frame(HEADERS, END_HEADERS | END_STREAM, s, HEAD + literal(b"grpc-status", status.encode()) +
                        literal(b"grpc-message", words.encode())))

    def do_http(self, s, text):
        self.send(frame(HEADERS, END_HEADERS | END_STREAM, s, literal(b":status", text.encode())))

    def do_late(self, s, text):
        time.sleep(float(text))
        self.send(answer(s, b"late"))

    def do_silent(self, s, text):
        pass

    def do_deaf(self, s, text):
        self.mute = True

    def do_halfway(self, s, text):
        self.send(head(s), frame(DATA, 0, s, message(b"half", size=100)), end(s))

    def do_midframe(self, s, text):
        self.send(head(s), frame(DATA, 0, s, message(b"x" * 200))[:57])
        raise Closed

    def do_huge(self, s, text):
        self.send(head(s), frame(DATA, 0, s, message(b"x", size=0xfffffff0)))

    def do_compressed(self, s, text):
        self.send(head(s), frame(DATA, 0, s, message(b"x", flag=1)), end(s))

    def do_reset(self, s, text):
        self.send(frame(RST, 0, s, struct.pack(">I", int(text))))

    def do_away(self, s, text):
        self.send(frame(GOAWAY, 0, 0, struct.pack(">II", s, 0)), answer(s, b"bye"))

    def do_away_now(self, s, text):
        self.send(frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)))

    def do_calm(self, s, text):
        self.send(frame(GOAWAY, 0, 0, struct.pack(">II", s, 11)), answer(s, b"bye"))

    def do_garbage(self, s, text):
        self.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 40)

    def do_wrongframe(self, s, text):
        self.send(frame(WINDOW, 0, 0, b"\0\0\0\0"))

    def do_endless_headers(self, s, text):
        self.send(frame(HEADERS, 0, s, HEAD))
        while True:
            self.send(frame(CONTINUATION, 0, s, literal(b"x-a", b"y" * 100) * 100))

    def do_settings_flood(self, s, text):
        while True:
            self.send(frame(SETTINGS, 0, 0) * 100)

    def do_uninvited(self, s, text):
        self.send(frame(DATA, 0, 4711, b"who asked"), answer(s, b"ok"))


def field(number, value):
    """Of protobuf: bytes, or a number."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def digest(name, size):
    return field(1, name) + field(2, size)


def bomb(blocks):
    """A zstd frame of BLOCKS times 128 KiB of zeros."""
    block = (1 << 17) << 3 | 1 << 1
    return b"\x28\xb5\x2f\xfd\x00\x58" + (block.to_bytes(3, "little") + b"\0") * blocks + b"\x01\0\0"


class Engine(Connection):
    def __init__(self, sock):
        super().__init__(sock)
        self.ready = False

    def take(self, stream, body):
        self.names = re.findall(rb"[0-9a-f]{64}", body)
        if not self.ready and sys.argv[1] not in ("nothing", "sha1"):
            self.ready = True
            body = field(1, field(1, b"\1") + field(7, b"\1"))
        else:
            body = getattr(self, "as_" + sys.argv[1])()
        self.send(answer(stream, body))

    def as_nothing(self):
        return b""

    def as_sha1(self):
        return field(1, field(1, b"\2"))

    def as_bomb(self):
        return b"".join(field(1, field(1, digest(n, 1000)) + field(2, bomb(2000)) + field(4, 1)) for n in self.names)

    def as_garbled(self):
        return b"".join(field(1, field(1, digest(n, 1000)) + field(2, b"no zstd") + field(4, 1)) for n in self.names)

    def as_liar(self):
        return b"".join(field(1, field(1, digest(n, 1 << 62)) + field(2, b"short")) for n in self.names)

    def as_uninvited(self):
        return field(1, field(1, digest(b"0" * 64, 5)) + field(2, b"hello")) + field(2, digest(b"f" * 64, 5))

    def as_twice(self):
        return self.as_liar() * 2 + field(1, field(1, digest(b"not hexadecimal", 1))) + field(1, b"")

    def as_crumbs(self):
        return field(1, b"") * 900000

    def as_noise(self):
        return b"\xff" * 1000


def serve(sock):
    try:
        (Engine if len(sys.argv) > 1 else Connection)(sock).serve()
    except (Closed, OSError):
        pass
    finally:
        sock.close()


def listen(serve):
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    listen(serve)
