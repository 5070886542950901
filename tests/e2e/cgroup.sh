#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Control groups of version 2 where they are delegated: what a step may hold is kept by the kernel, by whatever
# way it holds it, and nothing of the groups stays.
# A group is had from the user's systemd, or is $ORCH_TEST_CGROUP: empty, this user's, with memory and pids,
# below one whose cgroup.procs is this user's, too.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
in_group() { # COMMAND...: alone in a group that is delegated
	if [ -n "${ORCH_TEST_CGROUP:-}" ]; then
		sh -c 'echo 0 >"$ORCH_TEST_CGROUP/cgroup.procs" && exec "$@"' sh "$@"
	else
		systemd-run --user --scope --quiet -p Delegate=yes -- "$@"
	fi
}
# shellcheck disable=SC2016 # for the other shell
if ! in_group sh -c 'group=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup) && [ -w "$group/cgroup.subtree_control" ] &&
	grep -w memory "$group/cgroup.controllers" | grep -qw pids' >"$scratch/probe" 2>&1; then
	echo "skipped: no control group of version 2 is delegated to this user: $(tail -n 1 "$scratch/probe")"
	skip "control groups"
	finish
fi
p=$scratch/p
mkdir -p "$p/recipes"
cd "$p" || exit 1
printf 'schema: 1\nname: demo\n' >recipes/project.yaml

# What the kernel counts and nobody else sees.
cat >flight.py <<'END'
import array, os, socket
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
f = os.memfd_create("x")
for i in range(300):
    os.write(f, bytes(1 << 20))
    if i == 1:
        a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [f]))])
END
cat >segment.py <<'END'
import ctypes
c = ctypes.CDLL(None)
c.shmat.restype = ctypes.c_void_p
for i in range(300):
    at = c.shmat(c.shmget(0, 1 << 20, 0o1600), None, 0)
    ctypes.memset(at, 1, 1 << 20)
    c.shmdt(ctypes.c_void_p(at))
END
limited() { # NODE SCRIPT: with at most 64 MiB
	printf 'kind: run\ninputs: [flight.py, segment.py]\nmemory: 64M\nrun: ["%s; sleep 60"]\noutputs: [x]\n' "$2" \
		>"recipes/$1.yaml"
	code "$1: is stopped" 8 in_group "$ORCH" build "$1"
	check "$1: says the limit and the key" \
		grep -q "recipes/$1.yaml:4: step 1 of 1: .*was stopped: it held .*of memory.* 64.0 MiB.*'memory:'" "$scratch/err"
}
limited holds 'head -c 300M /dev/zero | tail -n 1 >x'
limited hides 'head -c 300M /dev/zero >/tmp/x'
limited flies 'python3 flight.py'
limited detaches 'python3 segment.py'
size=300M # of a file on a disk, which is no memory
[ "$(stat -f -c %T "$scratch")" != tmpfs ] || size=1M
printf 'kind: run\nmemory: 64M\nrun: ["cat /proc/self/cgroup >x; head -c %s /dev/zero >y"]\noutputs: [x]\n' $size >recipes/fine.yaml
code "files on a disk are no memory" 0 in_group "$ORCH" build fine
check "a step is in a group of its own" grep -q '/orch-step-[0-9]*/in$' out/fine/x

# A group of a test's own can be looked into.
if [ -n "${ORCH_TEST_CGROUP:-}" ]; then
	same "no group is left" "" "$(find "$ORCH_TEST_CGROUP" -mindepth 1 -type d)"
	printf 'kind: run\nrun: [sleep 60]\noutputs: [x]\n' >recipes/sleeps.yaml
	in_group "$ORCH" build sleeps >"$scratch/out" 2>&1 &
	for _ in $(seq 100); do
		[ ! -d "$ORCH_TEST_CGROUP/orch-step-0/in" ] || break
		sleep 0.2
	done
	kill -9 "$(sed -n 1p "$ORCH_TEST_CGROUP"/orch-run-*/cgroup.procs)"
	wait
	check "what is killed leaves groups" ls -d "$ORCH_TEST_CGROUP"/orch-run-*
	printf 'kind: run\nrun: ["echo again >x"]\noutputs: [x]\n' >recipes/next.yaml
	for _ in $(seq 100); do
		grep -q . "$ORCH_TEST_CGROUP"/orch-run-*/cgroup.procs || break
		sleep 0.2
	done
	# A group with groups in it that have controllers takes no process: the test puts it back as it was given.
	echo "-memory -pids" >"$ORCH_TEST_CGROUP/cgroup.subtree_control"
	code "the next one" 0 in_group "$ORCH" build next
	same "removes them" "" "$(find "$ORCH_TEST_CGROUP" -mindepth 1 -type d)"
fi
finish
