# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command on a terminal of its own:  terminal.py DIALOGUE... -- COMMAND...

A dialogue is TEXT=KEYS: wait until TEXT was printed, then type KEYS (with escapes like \\x01), or
TEXT=!SIGNAL: send that to the command. Prints what came out, then 'exit N' and whether the terminal
is as it was: 'restored' or 'changed'.

With --answers it answers what it is asked, DA1 (CSI c) and DSR (CSI 5 n), in their order and after
a while, as one at the other end of a network does; 'typed BYTES' then tells what the next reader of
the terminal finds in it.
"""
import os, pty, select, signal, sys, termios, time

LIMIT = float(os.environ.get("TERMINAL_LIMIT", 60))  # seconds
DELAY = 0.15  # seconds until an answer comes
ANSWERS = {b"\x1b[c": b"\x1b[?1;2c", b"\x1b[5n": b"\x1b[0n"}
answers = "--answers" in sys.argv
if answers:
    sys.argv.remove("--answers")
split = sys.argv.index("--")
dialogue = [d.split("=", 1) for d in sys.argv[1:split]]
master, slave = pty.openpty()
before = termios.tcgetattr(slave)
os.environ["TERM"] = "xterm"
pid = os.fork()
if pid == 0:
    os.close(master)
    os.login_tty(slave) if hasattr(os, "login_tty") else None
    if not hasattr(os, "login_tty"):
        import fcntl

        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(slave, fd)
    os.execvp(sys.argv[split + 1], sys.argv[split + 1 :])

output, seen, status, end = b"", 0, None, time.time() + LIMIT
heard, due = 0, []  # how much of the output was looked at for questions; (when, answer)


def listen():
    """Reads what is there, and answers what has waited long enough."""
    global output, heard
    if select.select([master], [], [], 0.05)[0]:
        output += os.read(master, 65536)
    while answers:
        found = [(at, q) for q in ANSWERS if (at := output.find(q, heard)) >= 0]
        if not found:
            break
        at, question = min(found)
        heard = at + len(question)
        due.append((time.time() + DELAY, ANSWERS[question]))
    while due and due[0][0] <= time.time():
        os.write(master, due.pop(0)[1])


while status is None and time.time() < end:
    listen()
    if dialogue and (at := output.find(dialogue[0][0].encode(), seen)) >= 0:
        text, keys = dialogue.pop(0)
        seen = at + len(text)
        if keys.startswith("!"):
            os.kill(pid, getattr(signal, "SIG" + keys[1:]))
        else:
            os.write(master, keys.encode().decode("unicode_escape").encode("latin-1"))
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        status = os.waitpid(pid, 0)[1]
last = time.time() + 2
while time.time() < last and (due or termios.tcgetattr(slave) != before):
    listen()
while select.select([master], [], [], 0.1)[0]:
    listen()
if answers:
    raw = termios.tcgetattr(slave)
    raw[3] &= ~(termios.ICANON | termios.ECHO)
    restored = termios.tcgetattr(slave) == before
    termios.tcsetattr(slave, termios.TCSANOW, raw)
    os.set_blocking(slave, False)
    try:
        typed = os.read(slave, 4096)
    except BlockingIOError:
        typed = b""
    termios.tcsetattr(slave, termios.TCSANOW, before if restored else raw)
if status is None:
    os.kill(pid, signal.SIGKILL)
sys.stdout.write(output.decode(errors="replace").replace("\r", ""))
if answers:
    print("\ntyped", typed)
print("\nexit", "none" if status is None else os.waitstatus_to_exitcode(status))
print("restored" if termios.tcgetattr(slave) == before else "changed")
