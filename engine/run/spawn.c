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

#define CHILD_STACK (256 * 1024)

static int namespaces_of(enum spawn_mode mode)
{
	if (mode == SPAWN_PLAIN)
		return 0;
	return CLONE_NEWPID | CLONE_NEWNS | (mode == SPAWN_USER_NS ? CLONE_NEWUSER : 0);
}

/* A fork() into new namespaces. The raw call: glibc has no fork() with flags. */
static pid_t fork_into(enum spawn_mode mode)
{
	unsigned long flags = SIGCHLD | namespaces_of(mode);

	return mode == SPAWN_PLAIN ? fork() : (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
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

/* In the child: the caller stays who it is, and /proc shows the new pid namespace. */
static int enter(enum spawn_mode mode, uid_t uid, gid_t gid)
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
	pid_t pid = fork_into(mode);
	int status;

	if (pid < 0)
		return false;
	if (pid == 0)
		_exit(enter(mode, uid, gid) == 0 ? 0 : 1);
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

static void default_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

struct child {
	enum spawn_mode mode;
	const char *self;
	int log_fd, sock, null;
	uid_t uid;
	gid_t gid;
	pid_t parent;
};

/*
 * The child between clone and exec: system calls only. What fails is said in the log. It lives in
 * the memory of the orchestrator, which waits until it is over.
 */
static int child(void *arg)
{
	const struct child *c = arg;
	static const char oops[] = "orch: cannot start the worker process\n";
	char *const argv[] = {(char *)"orch", (char *)"worker", NULL};
	int sock, flags;

	if (proc_leave_login() < 0)
		goto fail;
	default_signals();
	if (enter(c->mode, c->uid, c->gid) < 0)
		goto fail;
	/* In plain mode SIGTERM, so that the worker can still kill its own. */
	prctl(PR_SET_PDEATHSIG, c->mode == SPAWN_PLAIN ? SIGTERM : SIGKILL);
	if (c->mode == SPAWN_PLAIN && getppid() != c->parent)
		_exit(127);
	/* Out of the way of the low numbers first: dup2() onto itself would keep close-on-exec. */
	sock = fcntl(c->sock, F_DUPFD_CLOEXEC, 10);
	if (sock < 0 || dup2(c->null, 0) < 0 || dup2(c->log_fd, 1) < 0 || dup2(c->log_fd, 2) < 0 ||
	    dup2(sock, WORKER_FD) < 0)
		goto fail;
	flags = fcntl(WORKER_FD, F_GETFD);
	if (flags < 0 || fcntl(WORKER_FD, F_SETFD, flags & ~FD_CLOEXEC) < 0)
		goto fail;
	execve(c->self, argv, environ);
fail:
	(void)!write(c->log_fd, oops, sizeof(oops) - 1);
	_exit(127);
}

/*
 * As vfork(): a graph of ten thousand nodes is memory whose page tables cost more to copy than the
 * worker costs to start. Sanitizers know one stack per thread, so with them it is a fork.
 */
static pid_t start_child(struct child *c)
{
#ifdef __SANITIZE_ADDRESS__
	pid_t pid = fork_into(c->mode);

	if (pid == 0)
		_exit(child(c));
	return pid;
#else
	static _Alignas(64) char stack[CHILD_STACK];

	return clone(child, stack + sizeof(stack),
		     SIGCHLD | CLONE_VM | CLONE_VFORK | namespaces_of(c->mode), c);
#endif
}

int spawn_worker(enum spawn_mode mode, const char *self, int log_fd, pid_t *ret_pid, int *ret_sock,
		 struct err **err)
{
	int null cleanup_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log cleanup_fd = fcntl(log_fd, F_DUPFD_CLOEXEC, 10);
	int fds[2], mine cleanup_fd = -1, theirs cleanup_fd = -1;
	struct child c;
	pid_t pid;

	if (null < 0 || log < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(err, ERR_RESOURCE, errno, "cannot start a worker");
	mine = fds[0];
	theirs = fds[1];
	if (fcntl(mine, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, ERR_INTERNAL, errno, "cannot start a worker");
	c = (struct child){
		mode,    self ? self : "/proc/self/exe", log, theirs, null, geteuid(), getegid(),
		getpid()};
	pid = start_child(&c);
	if (pid < 0)
		return err_errno(err, ERR_RESOURCE, errno, "cannot start a worker");
	*ret_pid = pid;
	*ret_sock = mine;
	mine = -1;
	return 0;
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
