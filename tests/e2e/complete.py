# SPDX-License-Identifier: GPL-3.0-or-later
"""Completes command lines in a real shell:  complete.py SHELL SCRIPT LINE...

Starts SHELL on a terminal, has it read SCRIPT, and for each LINE types it and a tab. Prints
'LINE => WHAT STANDS THERE'.
"""
import fcntl, os, pty, re, select, struct, sys, termios, time

shell, script, lines = sys.argv[1], sys.argv[2], sys.argv[3:]
LIMIT = 20
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
SETUP = {
    "bash": "bind 'set bell-style none' 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off';"
    " bind 'set completion-query-items 0'; bind 'set page-completions off'; . %s",
    "zsh": "unsetopt zle_bracketed_paste automenu autolist 2>/dev/null; zstyle ':completion:*' verbose no;"
    " autoload -U compinit; compinit -u -D; . %s",
}
pid, fd = pty.fork()
if pid == 0:
    os.environ.update({"PS1": "> ", "TERM": "xterm", "LC_ALL": "C.UTF-8"})
    os.execvp(shell, START[shell])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 300, 0, 0))


def read(quiet):
    """What comes until nothing has come for so many seconds."""
    new, end = "", time.time() + LIMIT
    while time.time() < end and select.select([fd], [], [], quiet)[0]:
        new += os.read(fd, 65536).decode(errors="replace")
    return new


def until(mark):
    """What comes until MARK stands on a line of its own."""
    new, end = "", time.time() + LIMIT
    while time.time() < end and not re.search(r"(?m)^%s\r?$" % re.escape(mark), plain(new)):
        new += read(0.05)
    return plain(new)


def plain(text):
    text = re.sub(r"\x1b\[[0-9;?<=>]*[a-zA-Z]|\x1b[()][A-Z0-9]|\x1b[=>]|\x1b\][^\x07]*\x07", "", text)
    return text.replace("\x0f", "").replace("\r\r", "\r")


def send(text):
    os.write(fd, text.encode())


read(0.5)
send(SETUP[shell] % script + "\r")
read(0.3)
send("echo rea''dy\r")
until("ready")
read(0.2)
for line in lines:
    send(line + "\t")
    read(0.05)
    send("\x01echo '@'\x05'@'; echo do''ne\r")
    got = re.findall(r"(?m)^@(.*)@\r?$", until("done"))
    print(line, "=>", got[-1] if got else "(nothing)")
    read(0.05)
send("\x03")
os.close(fd)
