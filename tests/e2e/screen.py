# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal of any size, as a person sees it, for tests of what is drawn on it (python3-pyte).

    s = Screen(80, 24, [orch, "build"], env={"LANG": "C.UTF-8"})
    s.wait("2 running")      until that is seen; raises TimeoutError with what was
    s.resize(40, 24); s.type("\\x03"); s.signal(signal.SIGKILL)
    s.end()                  the exit code, or -SIGNAL
    s.lines()                what is on the screen
"""
import fcntl, os, pty, select, signal, struct, termios, time

import pyte


class Screen:
    def __init__(self, columns, rows, argv, env={}, limit=60):
        self.limit, self.raw, self.status = limit, b"", None
        self.screen = pyte.HistoryScreen(columns, rows, history=5000)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            time.sleep(0.2)  # until the size is set
            environment = {k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR", "LC_ALL")}
            os.execvpe(argv[0], argv, environment | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | env)
        self.size(columns, rows)
        self.modes = termios.tcgetattr(self.fd)

    def size(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.size(columns, rows)
        self.screen.resize(rows, columns)

    def read(self, seconds):
        """What comes within that time; false at the end."""
        until = time.time() + seconds
        while (left := until - time.time()) > 0:
            if not select.select([self.fd], [], [], left)[0]:
                break
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return False
            if not data:
                return False
            self.raw += data
            self.stream.feed(data)
        return True

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def scrolled(self):
        """What has scrolled out at the top."""
        return ["".join(line[x].data for x in range(self.screen.columns)).rstrip()
                for line in self.screen.history.top]

    def text(self):
        return "\n".join(self.lines())

    def wait(self, *texts):
        until = time.time() + self.limit
        while not all(t in self.text() for t in texts):
            if not self.read(0.05) or time.time() > until:
                if all(t in self.text() for t in texts):
                    return
                raise TimeoutError("%r was not seen:\n%s" % (texts, self.text()))

    def type(self, text):
        os.write(self.fd, text.encode())

    def signal(self, number):
        os.kill(self.pid, number)

    def end(self):
        until = time.time() + self.limit
        while self.read(0.1) and time.time() < until and os.waitid(
                os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            pass
        self.read(0.2)
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            os.kill(self.pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def restored(self):
        """Nothing was left behind: no mode of the terminal, no hidden cursor, no colour."""
        return (termios.tcgetattr(self.fd) == self.modes and not self.screen.cursor.hidden
                and self.screen.cursor.x == 0 and self.screen.cursor.attrs == pyte.screens.Char(" "))
