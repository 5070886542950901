# SPDX-License-Identifier: GPL-3.0-or-later
# An engine of the REAPI that runs commands, in a root that holds nothing but their inputs, and errs as
# it is told. Prints its port.
#
#   python3 executor.py DIRECTORY WORD[=VALUE]...
#
# DIRECTORY/calls gets a line for each call that is about running: the method, and what it was asked;
# DIRECTORY/moved "up BYTES" or "down BYTES" for each that moves blobs. When a file DIRECTORY/evict appears,
# all that commands have made is forgotten.
# WORDs; those with a count err that often:
#   streams          what a command prints can be read while it runs
#   streams=BYTES    and that stream breaks off after so many
#   cut=COUNT        the stream of Execute breaks off when the command has started; it runs on
#   forgets=COUNT    WaitExecution knows of nothing; what ran is stopped
#   missing=COUNT    Execute finds inputs missing that it said were there
#   dies=COUNT       the machine is lost while the command runs: the status is UNAVAILABLE
#   late             the command has used up its time: DEADLINE_EXCEEDED
#   queued           nobody takes it
#   endless          it runs and does not end
#   silent           Execute is not answered
#   swaps            the outputs' bytes are others, and so are their names
#   nests            beside what a command made there are a thousand million directories
#   lies             the worker tells of other bytes than those of its first large output
#   garbles          what commands have made comes with a wrong byte
#   empties          an output is named that is nowhere
#   full             there is no room for blobs: RESOURCE_EXHAUSTED
#   slow=SECONDS     each answer comes so late
import ctypes
import hashlib
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time

loader = importlib.machinery.SourceFileLoader("h2", os.path.join(os.path.dirname(os.path.abspath(__file__)), "hostile-h2.py"))
h2 = importlib.util.module_from_spec(importlib.util.spec_from_loader("h2", loader))
loader.exec_module(h2)
field, digest, message = h2.field, h2.digest, h2.message

STAGES = {"queued": 2, "running": 3, "done": 4}
DEADLINE_EXCEEDED, NOT_FOUND, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 4, 5, 8, 9, 12, 13, 14

where = sys.argv[1]
words = dict((w.split("=") + [""])[:2] for w in sys.argv[2:])
lock = threading.Lock()
operations = {}


class Blobs(dict):
    """By digest. Engines of one parent directory share large ones, which tests need not send to each."""

    LARGE = 100000

    def file(self, hexes):
        return os.path.join(where, "..", "blobs", hexes)

    def __missing__(self, hexes):
        with open(self.file(hexes), "rb") as f:
            return f.read()

    def __contains__(self, hexes):
        return super().__contains__(hexes) or os.path.exists(self.file(hexes))

    def get(self, hexes, default=None):
        return self[hexes] if hexes in self else default

    def keep(self, data):
        hexes = hashlib.sha256(data).hexdigest()
        if len(data) < self.LARGE:
            self[hexes] = data
        elif hexes not in self:
            with open(self.file(hexes) + str(threading.get_ident()), "wb") as f:
                f.write(data)
            os.rename(f.name, self.file(hexes))
        return hexes


blobs, gone, made = Blobs(), set(), set()


def evict():
    """What commands have made, when that is asked for."""
    try:
        os.unlink(os.path.join(where, "evict"))
    except FileNotFoundError:
        return
    with lock:
        for hexes in made:
            blobs.pop(hexes, None)
            if os.path.exists(blobs.file(hexes)):
                os.unlink(blobs.file(hexes))
        made.clear()


def moved(way, count):
    with lock, open(os.path.join(where, "moved"), "a") as f:
        print(way, count, file=f)


def once_more(word):
    """Whether it is to err once more."""
    with lock:
        left = int(words.get(word) or 0)
        words[word] = str(left - 1)
        return left > 0


def told(*what):
    with lock, open(os.path.join(where, "calls"), "a") as f:
        print(*what, file=f)


# --- protobuf -------------------------------------------------------------------------------------------


def fields(data):
    """{number: [values]}: bytes or numbers."""
    out, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            b = data[at]
            at, value, shift = at + 1, value | (b & 127) << shift, shift + 7
            if b < 128:
                return value

    data = memoryview(data)
    while at < len(data):
        key = number()
        value = number()
        if key & 7 == 2:
            value, at = bytes(data[at:at + value]), at + value
        out.setdefault(key >> 3, []).append(value)
    return out


def first(data, *path):
    for n in path:
        data = fields(data).get(n, [b""])[0]
    return data


def name(data):
    """Of a blob, by a Digest."""
    return first(data, 1).decode()


def keep(data):
    """Stores a blob; its Digest."""
    return digest(blobs.keep(data).encode(), len(data))


# --- a command ------------------------------------------------------------------------------------------


def lay_out(directory, path):
    os.makedirs(path, exist_ok=True)
    f = fields(blobs[directory])
    for node in f.get(1, []):
        n = fields(node)
        to = os.path.join(path, n[1][0].decode())
        with open(to, "wb") as out:
            out.write(blobs[name(n[2][0])])
        os.chmod(to, 0o755 if n.get(4) else 0o644)
    for node in f.get(2, []):
        lay_out(name(first(node, 2)), os.path.join(path, first(node, 1).decode()))
    for node in f.get(3, []):
        os.symlink(first(node, 2), os.path.join(path, first(node, 1).decode()))


def pick_up(path, children):
    """The Directory of what is there; all those below it are added to CHILDREN."""
    out = b""
    for e in sorted(os.listdir(path)):
        full = os.path.join(path, e)
        if os.path.isdir(full):
            below = pick_up(full, children)
            children.append(below)
            out += field(2, field(1, e.encode()) + field(2, keep(below)))
        else:
            with open(full, "rb") as f:
                data = f.read()
            if "swaps" in words and e == "0":
                data += b"swapped"
            if "empties" in words and e == "0":
                gone.add(hashlib.sha256(data).hexdigest())
            out += field(1, field(1, e.encode()) + field(2, keep(data)))
            made.add(hashlib.sha256(data).hexdigest())
    return out


def lie(out):
    """The first part of the first large output becomes another, in its map, too."""
    path = os.path.join(out, "0.parts")
    if not os.path.isdir(path):
        return
    with open(os.path.join(path, "map")) as f:
        text = f.read()
    old = text.split("\npart ", 1)[1].split("\n", 1)[0].split(" ")[2]
    with open(os.path.join(path, old), "rb") as f:
        data = f.read()
    data = bytes([data[0] ^ 1]) + data[1:]
    new = hashlib.sha256(data).hexdigest()
    os.unlink(os.path.join(path, old))
    for name, body in ((new, data), ("map", text.replace(old, new).encode())):
        with open(os.path.join(path, name), "wb") as f:
            f.write(body)


def nest(children):
    """Three directories, of which each but the last is named a thousand times by the next one."""
    below = field(3, field(1, b"link") + field(2, b"nowhere"))
    for _ in range(3):
        children.append(below)
        node = field(2, keep(below))
        below = b"".join(field(2, field(1, b"d%d" % i) + node) for i in range(1000))
    children.append(below)
    return field(2, field(1, b"nest") + field(2, keep(below)))


class Operation:
    """A command that runs, or has run."""

    def __init__(self, action):
        self.name = "operations/%d" % len(operations)
        self.dir = os.path.join(where, self.name.replace("/", "."))
        self.log, self.process, self.answer = self.dir + ".log", None, None
        self.action, self.stopped = action, False
        self.done = threading.Event()
        operations[self.name] = self
        open(self.log, "w").close()

    def start(self):
        threading.Thread(target=self.try_run, daemon=True).start()

    def try_run(self):
        try:
            self.run()
        except (OSError, KeyError, ValueError) as e:
            self.end(status(INTERNAL, str(e).encode()))

    def run(self):
        command = blobs[name(first(self.action, 1))]
        argv = [a.decode() for a in fields(command)[1]]
        lay_out(name(first(self.action, 2)), self.dir)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["bwrap", "--bind", self.dir, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--unshare-user",
                 "--unshare-pid", "--unshare-net", "--die-with-parent", "--clearenv", "--setenv", "HOME", "/tmp", "--chdir", "/",
                 "--"] + argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        code = self.process.wait()
        result = field(4, code) if code > 0 else b""
        out = os.path.join(self.dir, "out")
        if os.path.isdir(out) and not self.stopped:
            children = []
            if "lies" in words:
                lie(out)
            root = pick_up(out, children)
            if "nests" in words:
                root += nest(children)
            tree = field(1, root) + b"".join(field(2, c) for c in children)
            result += field(3, field(1, b"out") + field(3, keep(tree)))
        with open(self.log, "rb") as log:
            result += field(8, keep(log.read()))
        self.end(field(1, result))

    def stop(self):
        self.stopped = True
        if self.process:
            self.process.kill()
            self.process.wait()

    def end(self, response):
        if not self.answer:
            self.answer = response
        shutil.rmtree(self.dir, ignore_errors=True)
        self.done.set()

    def message(self, stage):
        metadata = field(1, STAGES[stage])
        if "streams" in words:
            metadata += field(4, self.name.encode() + b"/log")
        out = field(1, self.name.encode()) + field(2, field(2, metadata))
        if stage == "done":
            out += field(3, 1) + field(5, field(2, self.answer))
        return out


def status(code, text=b""):
    return field(3, field(1, code) + field(2, text))


# --- calls ----------------------------------------------------------------------------------------------

hpack = ctypes.CDLL("libnghttp2.so.14")


class Pair(ctypes.Structure):
    _fields_ = [("name", ctypes.POINTER(ctypes.c_char)), ("value", ctypes.POINTER(ctypes.c_char)),
                ("namelen", ctypes.c_size_t), ("valuelen", ctypes.c_size_t), ("flags", ctypes.c_uint8)]


class Engine(h2.Connection):
    def __init__(self, sock):
        super().__init__(sock)
        self.inflater = ctypes.c_void_p()
        hpack.nghttp2_hd_inflate_new(ctypes.byref(self.inflater))
        self.paths, self.writing = {}, threading.Lock()

    def send(self, *parts):
        with self.writing:
            super().send(*parts)

    def headers(self, stream, block):
        """The client sends no padding, priority or continuation."""
        data, at, flags, pair = ctypes.create_string_buffer(block, len(block)), 0, ctypes.c_int(), Pair()
        while True:
            n = hpack.nghttp2_hd_inflate_hd2(self.inflater, ctypes.byref(pair), ctypes.byref(flags),
                                             ctypes.byref(data, at), ctypes.c_size_t(len(block) - at), 1)
            if n < 0:
                raise h2.Closed
            at += n
            if flags.value & 2 and pair.name[:pair.namelen] == b":path":
                self.paths[stream] = pair.value[:pair.valuelen].decode()
            if flags.value & 1 or (n == 0 and at >= len(block)):
                hpack.nghttp2_hd_inflate_end_headers(self.inflater)
                return

    def whole(self, stream, framed):
        messages = []
        while framed:
            size = int.from_bytes(framed[1:5], "big")
            messages.append(framed[5:5 + size])
            framed = framed[5 + size:]
        threading.Thread(target=self.answer, args=(stream, self.paths.pop(stream, ""), messages), daemon=True).start()

    def answer(self, stream, path, messages):
        time.sleep(float(words.get("slow") or 0))
        evict()
        method = path.rsplit("/", 1)[-1]
        if method in ("Execute", "WaitExecution", "CancelOperation"):
            told(method)
        try:
            getattr(self, "on_" + method, self.unknown)(stream, messages if method == "Write" else b"".join(messages))
        except (h2.Closed, OSError):
            self.sock.close()

    def unknown(self, s, body):
        self.send(h2.head(s), h2.end(s, b"%d" % UNIMPLEMENTED))

    def reply(self, s, body):
        self.send(h2.answer(s, body))

    def fail(self, s, code, text=b""):
        self.send(h2.head(s), h2.end(s, b"%d" % code, text))

    def on_GetCapabilities(self, s, body):
        self.reply(s, field(1, field(1, b"\1")) + field(2, field(1, 1) + field(2, 1)) + field(4, field(1, 2)) +
                   field(5, field(1, 2) + field(2, 3)))

    def on_FindMissingBlobs(self, s, body):
        self.reply(s, b"".join(field(2, d) for d in fields(body).get(2, []) if name(d) not in blobs))

    def on_BatchUpdateBlobs(self, s, body):
        if "full" in words:
            return self.fail(s, RESOURCE_EXHAUSTED, b"no room is left on the disk")
        out = b""
        moved("up", len(body))
        for r in fields(body).get(2, []):
            keep(first(r, 2))
            out += field(1, field(1, first(r, 1)) + field(2, b""))
        return self.reply(s, out)

    def on_BatchReadBlobs(self, s, body):
        out = b""
        for d in fields(body).get(2, []):
            data = None if name(d) in gone else blobs.get(name(d))
            if "garbles" in words and data and len(data) > 10000 and name(d) in made:
                data = data[:-1] + bytes([data[-1] ^ 1])
            out += field(1, field(1, d) + (field(3, field(1, NOT_FOUND)) if data is None else field(2, data)))
        moved("down", len(out))
        self.reply(s, out)

    def on_Write(self, s, messages):
        data = b"".join(first(m, 10) for m in messages)
        moved("up", len(data))
        keep(data)
        self.reply(s, field(1, len(data)))

    def on_Read(self, s, body):
        resource = first(body, 1).decode()
        if "/blobs/" in resource or resource.startswith("blobs/"):
            data = blobs[resource.split("/")[-2]]
            moved("down", len(data))
            return self.send(h2.head(s), h2.data(s, b"".join(message(field(10, data[i:i + 100000])) for i in range(0, len(data), 100000))),
                             h2.end(s))
        told("Read")
        op = operations[resource.rsplit("/", 1)[0]]
        at, most = 0, int(words.get("streams") or 1 << 40)
        self.send(h2.head(s))
        while at < most:
            ended = op.done.is_set()
            with open(op.log, "rb") as log:
                log.seek(at)
                data = log.read(min(10000, most - at))
            if data:
                self.send(h2.data(s, message(field(10, data))))
            elif ended:
                return self.send(h2.end(s))
            else:
                time.sleep(0.05)
            at += len(data)
        return self.send(h2.end(s, b"%d" % UNAVAILABLE, b"the stream is lost"))

    def on_CancelOperation(self, s, body):
        operations[first(body, 1).decode()].stop()
        self.reply(s, b"")

    def follow(self, s, op):
        op.done.wait()
        self.send(h2.data(s, message(op.message("done"))), h2.end(s))

    def on_Execute(self, s, body):
        if "silent" in words:
            return
        action = blobs.get(name(first(body, 6)), b"")
        told("platform", *("%s=%s" % (first(p, 1).decode(), first(p, 2).decode()) for p in fields(first(action, 10)).get(1, [])))
        self.send(h2.head(s))
        if once_more("missing"):
            blobs.clear()
            op = Operation(action)
            op.answer = status(FAILED_PRECONDITION, b"MISSING: an input")
            return self.send(h2.data(s, message(op.message("done"))), h2.end(s))
        op = Operation(action)
        self.send(h2.data(s, message(op.message("queued"))))
        if "queued" in words:
            return
        self.send(h2.data(s, message(op.message("running"))))
        if "endless" in words:
            return
        op.start()
        if "late" in words:
            op.answer = status(DEADLINE_EXCEEDED, b"it was stopped")
        if once_more("dies"):
            time.sleep(0.3)
            op.answer = status(UNAVAILABLE, b"the worker is gone")
            op.stop()
        if once_more("cut"):
            time.sleep(0.3)
            raise h2.Closed
        self.follow(s, op)

    def on_WaitExecution(self, s, body):
        op = operations[first(body, 1).decode()]
        if once_more("forgets"):
            op.stop()
            return self.fail(s, NOT_FOUND, b"no operation has this name")
        self.send(h2.head(s), h2.data(s, message(op.message("running"))))
        return self.follow(s, op)


def serve(sock):
    try:
        Engine(sock).serve()
    except (h2.Closed, OSError):
        pass
    finally:
        sock.close()


os.makedirs(where, exist_ok=True)
os.makedirs(os.path.join(where, "..", "blobs"), exist_ok=True)
h2.listen(serve)
