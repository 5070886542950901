/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/trace.h"

static int namespaces_of(enum spawn_mode mode)
{
	if (mode == SPAWN_PLAIN)
		return 0;
	return CLONE_NEWPID | CLONE_NEWNS | (mode == SPAWN_USER_NS ? CLONE_NEWUSER : 0);
}

pid_t spawn_fork(enum spawn_mode mode, bool sibling)
{
	unsigned long flags = SIGCHLD | namespaces_of(mode) | (sibling ? CLONE_PARENT : 0);

	return mode == SPAWN_PLAIN && !sibling ? fork()
					       : (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	int rc = fd >= 0 && write(fd, text, len) == (ssize_t)len ? 0 : -1;

	if (fd >= 0)
		close(fd);
	return rc;
}

int spawn_enter(enum spawn_mode mode, uid_t uid, gid_t gid)
{
	char map[64];

	if (mode == SPAWN_PLAIN)
		return 0;
	if (mode == SPAWN_USER_NS) {
		snprintf(map, sizeof(map), "%u %u 1\n", (unsigned)uid, (unsigned)uid);
		if (write_text("/proc/self/setgroups", "deny") < 0 ||
		    write_text("/proc/self/uid_map", map) < 0)
			return -1;
		snprintf(map, sizeof(map), "%u %u 1\n", (unsigned)gid, (unsigned)gid);
		if (write_text("/proc/self/gid_map", map) < 0)
			return -1;
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -1;
	return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static bool mode_works(enum spawn_mode mode)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	pid_t pid = spawn_fork(mode, false);
	int status;

	if (pid < 0)
		return false;
	if (pid == 0)
		_exit(spawn_enter(mode, uid, gid) == 0 ? 0 : 1);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

enum spawn_mode spawn_probe(void)
{
	const char *forced = getenv("ORCH_SPAWN"), *sandbox = getenv("ORCH_SANDBOX");
	bool no_user_ns = sandbox && str_eq(sandbox, "guest");
	enum spawn_mode mode = SPAWN_PLAIN;

	if (forced && str_eq(forced, "plain"))
		return SPAWN_PLAIN;
	if (geteuid() == 0 && !(forced && str_eq(forced, "user")) && mode_works(SPAWN_PID_NS))
		mode = SPAWN_PID_NS;
	else if (!no_user_ns && mode_works(SPAWN_USER_NS))
		mode = SPAWN_USER_NS;
	trace(TRACE_SCHED, "spawn mode %d", (int)mode);
	return mode;
}

void spawn_kill(pid_t pid)
{
	if (pid <= 1)
		return;
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
}

static bool is_kept(pid_t pid, const pid_t *keep, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (keep[i] == pid)
			return true;
	}
	return false;
}

/* Kills and reaps the children there are now. Returns how many. */
static size_t kill_children(const pid_t *keep, size_t count)
{
	char path[64];
	FILE *f cleanup_file = NULL;
	pid_t *found cleanup_free = NULL;
	size_t n = 0;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1) {
		if (is_kept(pid, keep, count))
			continue;
		found = xreallocarray(found, n + 1, sizeof(*found));
		found[n++] = pid;
	}
	for (size_t i = 0; i < n; i++)
		kill(found[i], SIGKILL);
	for (size_t i = 0; i < n; i++) {
		while (waitpid(found[i], NULL, 0) < 0 && errno == EINTR)
			;
	}
	return n;
}

void spawn_kill_strays(const pid_t *keep, size_t count)
{
	while (kill_children(keep, count))
		;
}
