# SPDX-License-Identifier: GPL-3.0-or-later
"""progress.py ORCH PROJECT: what a run looks like on terminals. Tells 'ok NAME' and 'not ok NAME'."""
import os, re, signal, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from screen import Screen

orch, project = sys.argv[1:3]
failed = 0


def check(name, good, screen=None):
    global failed
    if not good:
        failed = 1
        if screen:
            print(*("  |" + line for line in screen.scrolled()[-10:] + screen.lines() if line), sep="\n")
    print("ok" if good else "not ok", name, flush=True)


def build(columns, rows, *targets, **env):
    touch()
    return Screen(columns, rows, [orch, "-C", project, "build", *targets], env)


def touch():
    """Everything is new."""
    with open(project + "/input", "w") as f:
        f.write(str(time.time_ns()))


def region(screen):
    """The lines of the region: those from the bar on."""
    lines = screen.lines()
    while lines and not lines[-1]:
        lines.pop()
    for i, line in enumerate(lines):
        if re.match(r"(\[[█▒░#.-]+\]  )?\d+/\d+(  |$)", line):
            return lines[i:]
    return []


def samples(screen, seconds):
    until = time.time() + seconds
    while time.time() < until:
        screen.read(0.07)
        yield region(screen)


MARK = {True: "…", False: ".."}
for columns in (40, 80, 300):
    for locale, utf8 in (("C.UTF-8", True), ("C", False)):
        name = "%d columns, %s: " % (columns, locale)
        s = build(columns, 24, "a", "b", LANG=locale)
        s.wait("a ", "b ", "line")
        seen = list(samples(s, 1))
        check(name + "a line of the run and one for each node",
              all([line[:4] for line in sorted(r[1:])] == ["  a ", "  b "] for r in seen), s)
        check(name + "the last line of a log", re.search(r"line \d", s.text()) or columns == 40, s)
        check(name + "no line is as wide as the terminal",
              all(len(line) < columns for r in seen for line in r), s)
        check(name + "the characters of the locale",
              all(line.isascii() for r in seen for line in r) != utf8, s)
        check(name + "built", s.end() == 0, s)
        check(name + "what was built has scrolled away", re.search(r"\[ 2/2\] built   [ab]", s.text()), s)
        check(name + "the region is gone", region(s) == [] and s.restored(), s)

s = build(300, 24, "a")
s.wait("line 3")
check("colours of a step are not passed on", b"\x1b[35m" not in s.raw and "purple" in s.text(), s)
check("a first time is a guess", re.search(r" of ~| of \d", s.text()), s)
check("built at last", s.end() == 0)

s = build(80, 6, "-j6", *"abcdef", LANG="C")
s.wait("6 running")
list(samples(s, 1))
check("few rows: the nodes that have none are counted",
      len(region(s)) <= 4 and region(s)[-1].startswith("  and "), s)
check("few rows: built", s.end() == 0)

s = build(120, 24, "a", "b")
s.wait("line")
for columns, rows in ((60, 24), (200, 10), (40, 5), (300, 50), (80, 24)):
    s.resize(columns, rows)
    list(samples(s, 0.3))
r = region(s)
check("resized: three lines again", len(r) == 3, s)
check("resized: as wide as it is now", 60 < max(map(len, r), default=0) < 80, s)
check("resized: built", s.end() == 0 and region(s) == [] and s.restored(), s)

s = build(80, 24, "a", "b")
s.wait("line")
s.type("\x03")
check("Ctrl-C: exit code", s.end() == 130, s)
check("Ctrl-C: nothing is left", region(s) == [] and s.restored() and "stopped: " in s.text(), s)

for number in (signal.SIGKILL, signal.SIGSEGV):
    s = build(80, 24, "a", "b")
    s.wait("line")
    s.signal(number)
    check("%s: it ends" % number.name, s.end() == -number, s)
    row = s.screen.cursor.y
    check("%s: a line to go on with" % number.name, s.restored() and not s.lines()[row], s)

s = Screen(80, 24, ["bash", "--norc", "--noprofile", "-i"], {"PS1": "prompt> ", "LANG": "C"})
touch()
s.wait("prompt>")
s.type("%s -C %s build a b\n" % (orch, project))
s.wait("line", "2 running")
s.type("\x1a")
s.wait("Stopped")
list(samples(s, 0.5))
check("Ctrl-Z: the region is gone", region(s) == [], s)
s.type("bg\n")
list(samples(s, 0.7))
check("in the background nothing is drawn", region(s) == [], s)
s.type("fg\n")
list(samples(s, 0.7))
check("fg: it is there again, once", s.text().count(" running") == 1 or "built   b" in s.text(), s)
s.wait("ok: built")
check("fg: built", region(s) == [], s)
s.type("exit\n")
s.end()

for name, env in (("TERM=dumb", {"TERM": "dumb"}), ("CI=true", {"CI": "true", "NO_COLOR": "1"})):
    s = build(80, 24, "a", **env)
    check(name + ": built", s.end() == 0, s)
    check(name + ": plain lines", b"\x1b" not in s.raw and b"start   a" in s.raw, s)

s = build(80, 24, "a", NO_COLOR="1")
s.wait("line")
check("NO_COLOR: a region without colours", region(s) and not re.search(rb"\x1b\[[0-9;]*m", s.raw), s)
check("NO_COLOR: built", s.end() == 0, s)

s = build(80, 24, "bad")
check("a failure: exit code", s.end() == 1, s)
text = "\n".join(s.scrolled() + s.lines())
check("a failure: place, step and status in words",
      "recipes/bad.yaml:4: step 1 of 1 failed: exited with 127 (a program was not found)" in text.replace("\n", ""), s)
check("a failure: the end of its log", "no-such-program" in text, s)
check("a failure: what to do", "orch log bad" in text and "orch shell bad" in text, s)

s = build(80, 24, "a", "b")
s.wait("line")
f = Screen(80, 50, [orch, "-C", project, "log", "-f", "a"])
f.wait("line")
check("log -f: it follows", f.status is None and "line" in f.text(), f)
check("log -f: ends with the node, and well", f.end() == 0 and "a: built" in f.text(), f)
check("log -f: nothing is missing",
      all("line %d of a" % i in "\n".join(f.scrolled() + f.lines()) for i in range(50)), f)
s.end()

touch()
s = Screen(80, 24, [orch, "-C", project, "build", "after"])
s.wait("running")
f = Screen(80, 24, [orch, "-C", project, "log", "-f", "after"])
f.wait("waiting for it")
check("log -f: of a node that is yet to run, and fails", f.end() == 1, f)
check("log -f: says why", "what after says" in f.text() and "exited with 3" in f.text(), f)
s.end()
f = Screen(80, 24, [orch, "-C", project, "log", "-f", "after"])
check("log -f: of a node that has ended", f.end() == 1 and "what after says" in f.text(), f)
sys.exit(failed)
