# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step can reach beyond its files, one word a line. Nothing is changed by it: files of /proc are
looked at with access(2), and what a call makes ends with this process."""
import ctypes, os, platform, socket

libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {"x86_64": {"add_key": 248, "keyctl": 250, "bpf": 321, "perf": 298},
           "aarch64": {"add_key": 217, "keyctl": 219, "bpf": 280, "perf": 241}}[platform.machine()]
IO_URING_SETUP, CLONE3, FSOPEN = 425, 435, 430  # the same everywhere
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
found = []


def call(name, *args, refused=EPERM):
    rc = libc.syscall(*args)
    if rc >= 0 or ctypes.get_errno() != refused:
        found.append(name)


def apart(name, work):
    """In a child, for what it makes is its own."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if work() else 1)
    if os.waitpid(pid, 0)[1] == 0:
        found.append(name)


for kind, flag in {"user": 0x10000000, "mount": 0x20000, "net": 0x40000000, "pid": 0x20000000}.items():
    apart("namespace-" + kind, lambda: libc.unshare(flag) == 0)
apart("mount", lambda: libc.mount(b"t", b"/tmp", b"tmpfs", 0, None) == 0)
call("fsopen", FSOPEN, b"tmpfs", 0, refused=ENOSYS)
call("clone3", CLONE3, None, 0, refused=ENOSYS)
call("io_uring", IO_URING_SETUP, 1, None, refused=ENOSYS)
call("keys", NUMBERS["keyctl"], 0, -2, 1)
call("keys", NUMBERS["add_key"], b"user", b"orch", b"x", 1, -2)
call("bpf", NUMBERS["bpf"], 0, None, 0)
call("perf", NUMBERS["perf"], None, 0, -1, -1, 0)
for name, family in {"vsock": 40, "packet": 17, "alg": 38}.items():
    call(name, {"x86_64": 41, "aarch64": 198}[platform.machine()], family, 1, 0, refused=EAFNOSUPPORT)
for name in ("sys/kernel/core_pattern", "sys/net/ipv4/ip_default_ttl", "sysrq-trigger", "irq", "bus", "fs"):
    if os.access("/proc/" + name, os.W_OK):
        found.append("/proc/" + name)
for name in ("kcore", "keys", "kmsg", "timer_list", "kallsyms"):
    try:
        if os.read(os.open("/proc/" + name, os.O_RDONLY | os.O_NONBLOCK), 1):
            found.append("/proc/" + name)
    except OSError:
        pass
if os.listdir("/sys"):
    found.append("/sys")
socket.socketpair()[0].close()
print(*(found or ["nothing"]))
