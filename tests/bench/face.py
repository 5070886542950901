# SPDX-License-Identifier: GPL-3.0-or-later
"""face.py ORCH DIRECTORY: seconds of processor time that orch's own process takes to show, on a
terminal, a node that prints 1 MB a second, and the seconds that it runs: 'OURS WALL'."""
import fcntl, os, pty, struct, sys, termios, time

orch, directory = sys.argv[1:3]
os.makedirs(directory + "/recipes")
with open(directory + "/recipes/project.yaml", "w") as f:
    f.write('schema: 1\nname: face\nversion: "1"\n')
with open(directory + "/recipes/loud.yaml", "w") as f:
    f.write("""kind: run
run:
  - |
    python3 -c 'import sys, time
    for i in range(100):
        sys.stdout.write(("%04d " % i + 94 * "x" + chr(10)) * 1000); sys.stdout.flush(); time.sleep(0.1)'
    echo >x
outputs: [x]
""")
began = time.time()
pid, fd = pty.fork()
if pid == 0:
    time.sleep(0.1)
    os.execvpe(orch, [orch, "-C", directory, "--store", directory + "/store", "build"],
               {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS", "GITLAB_CI")}
               | {"TERM": "xterm", "LANG": "C.UTF-8"})
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
drawn = 0
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    drawn += data.count(b"running")
while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT) is None:
    pass
# Of this process alone: what it waited for is in the next two fields.
spent = sum(map(int, open("/proc/%d/stat" % pid).read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")
if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) or drawn < 20:
    sys.exit("orch failed, or drew nothing: %d" % drawn)
print("%.3f %.3f" % (spent, time.time() - began))
