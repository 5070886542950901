# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command on a terminal of its own:  terminal.py DIALOGUE... -- COMMAND...

A dialogue is TEXT=KEYS: wait until TEXT was printed, then type KEYS (with escapes like \\x01), or
TEXT=!SIGNAL: send that to the command. Prints what came out, then 'exit N' and whether the terminal
is as it was: 'restored' or 'changed'.
"""
import os, pty, select, signal, sys, termios, time

LIMIT = 60
split = sys.argv.index("--")
dialogue = [d.split("=", 1) for d in sys.argv[1:split]]
master, slave = pty.openpty()
before = termios.tcgetattr(slave)
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
while status is None and time.time() < end:
    if select.select([master], [], [], 0.1)[0]:
        output += os.read(master, 65536)
    if dialogue and (at := output.find(dialogue[0][0].encode(), seen)) >= 0:
        text, keys = dialogue.pop(0)
        seen = at + len(text)
        if keys.startswith("!"):
            os.kill(pid, getattr(signal, "SIG" + keys[1:]))
        else:
            os.write(master, keys.encode().decode("unicode_escape").encode("latin-1"))
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        status = os.waitpid(pid, 0)[1]
for _ in range(20):
    if termios.tcgetattr(slave) == before:
        break
    time.sleep(0.1)
while select.select([master], [], [], 0.1)[0]:
    output += os.read(master, 65536)
if status is None:
    os.kill(pid, signal.SIGKILL)
sys.stdout.write(output.decode(errors="replace").replace("\r", ""))
print("\nexit", "none" if status is None else os.waitstatus_to_exitcode(status))
print("restored" if termios.tcgetattr(slave) == before else "changed")
