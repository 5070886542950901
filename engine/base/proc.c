/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"

/*
 * The child's half between fork and exec: only async-signal-safe calls. ERRFD carries errno back.
 */
static void child(const char *program, char *const argv[], const struct proc_opts *o, pid_t parent,
		  int errfd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), saved;
	sigset_t none;

	if (!o->same_group)
		setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	if (dup2(o->in > 0 ? o->in : null, 0) < 0 || (o->out > 0 && dup2(o->out, 1) < 0) ||
	    (o->errfd > 0 && dup2(o->errfd, 2) < 0))
		goto fail;
	for (const int *fd = o->pass; fd && *fd >= 0; fd++) {
		if (fcntl(*fd, F_SETFD, 0) < 0)
			goto fail;
	}
	if (o->cwd && chdir(o->cwd) < 0)
		goto fail;
	execve(program, argv, o->env ? o->env : environ);
fail:
	saved = errno;
	(void)!write(errfd, &saved, sizeof(saved));
	_exit(127);
}

int proc_start(char *const argv[], const struct proc_opts *opts, pid_t *ret_pid, struct err **err)
{
	static const struct proc_opts defaults;
	char *program cleanup_free = path_program(argv[0]);
	int fds[2], in cleanup_fd = -1, out cleanup_fd = -1;
	pid_t parent = getpid(), pid;
	int failed = 0;
	ssize_t n;

	if (!opts)
		opts = &defaults;
	if (!program)
		return err_set(err, ERR_ENV, "program '%s' is not installed (see `orch doctor`)",
			       argv[0]);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, ERR_RESOURCE, errno, "cannot start '%s'", argv[0]);
	in = fds[0];
	out = fds[1];
	pid = fork();
	if (pid < 0)
		return err_errno(err, ERR_RESOURCE, errno, "cannot start '%s'", argv[0]);
	if (pid == 0)
		child(program, argv, opts, parent, out);
	if (!opts->same_group)
		setpgid(pid, pid); /* in both, so that neither has to wait for the other */
	close(out);
	out = -1;
	do
		n = read(in, &failed, sizeof(failed));
	while (n < 0 && errno == EINTR);
	if (n == sizeof(failed)) {
		int status;

		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		return err_errno(err, ERR_ENV, failed, "cannot start '%s'", argv[0]);
	}
	*ret_pid = pid;
	return 0;
}

int proc_wait(pid_t pid, int *ret_status, struct err **err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_errno(err, ERR_INTERNAL, errno, "cannot wait for a child");
	}
	*ret_status = status;
	return 0;
}

int proc_leave_login(void)
{
	if (setsid() < 0)
		return -1;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0)
		return 0;
	/* not in the kernel, or refused by the filter of a container, as to all that it starts */
	return errno == ENOSYS || errno == EPERM ? 0 : -1;
}

char *proc_status_string(int status)
{
	if (WIFEXITED(status))
		return xasprintf("exited with %d", WEXITSTATUS(status));
	if (WIFSIGNALED(status)) {
		const char *name = sigabbrev_np(WTERMSIG(status));

		return xasprintf("was killed by SIG%s", name ? name : "?");
	}
	return xstrdup("ended strangely");
}

int proc_check(const char *name, int status, struct err **err)
{
	char *text cleanup_free = NULL;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	text = proc_status_string(status);
	return err_set(err, ERR_BUILD, "'%s' %s", name, text);
}

void proc_kill_group(pid_t pid, int signal)
{
	if (pid > 1)
		kill(-pid, signal);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Milliseconds until DEADLINE for poll(2); -1 when there is none. */
static int left_ms(uint64_t deadline)
{
	uint64_t now = now_ms();

	if (!deadline)
		return -1;
	return deadline > now ? (int)(deadline - now) : 0;
}

static void kill_and_reap(pid_t pid, bool same_group)
{
	int status;

	if (same_group)
		kill(pid, SIGKILL);
	else
		proc_kill_group(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

static int wait_until(const char *name, pid_t pid, const struct proc_opts *opts, uint64_t deadline,
		      struct err **err)
{
	int status;

	if (deadline) {
		int pidfd cleanup_fd = (int)syscall(SYS_pidfd_open, pid, 0);
		struct pollfd pfd = {.fd = pidfd, .events = POLLIN};
		int n;

		do
			n = poll(&pfd, 1, left_ms(deadline));
		while (n < 0 && errno == EINTR);
		if (n == 0) {
			kill_and_reap(pid, opts->same_group);
			return err_set(err, ERR_TIMEOUT, "'%s' took longer than %u s", name,
				       opts->timeout_s);
		}
	}
	if (proc_wait(pid, &status, err) < 0)
		return -1;
	return proc_check(name, status, err);
}

int proc_run(char *const argv[], const struct proc_opts *opts, struct err **err)
{
	static const struct proc_opts defaults;
	uint64_t deadline;
	pid_t pid;

	if (!opts)
		opts = &defaults;
	deadline = opts->timeout_s ? now_ms() + opts->timeout_s * 1000ull : 0;
	if (proc_start(argv, opts, &pid, err) < 0)
		return -1;
	return wait_until(argv[0], pid, opts, deadline, err);
}

/* Reads FD to its end. 1: deadline passed; -1: error. */
static int gather(int fd, const char *name, uint64_t deadline, size_t limit, struct str *ret,
		  struct err **err)
{
	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		int n = poll(&pfd, 1, left_ms(deadline));
		ssize_t got;

		if (n == 0)
			return 1;
		if (n < 0 && errno != EINTR)
			return err_errno(err, ERR_INTERNAL, errno, "cannot wait for '%s'", name);
		if (n < 0)
			continue;
		got = read(fd, str_reserve(ret, 65536), 65536);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, ERR_INTERNAL, errno, "cannot read from '%s'", name);
		if (got == 0)
			return 0;
		ret->len += (size_t)got;
		ret->buf[ret->len] = 0;
		if (ret->len > limit)
			return err_set(err, ERR_BUILD, "'%s' printed more than %zu bytes", name,
				       limit);
	}
}

int proc_output(char *const argv[], const struct proc_opts *opts, size_t limit, struct str *ret,
		struct err **err)
{
	struct proc_opts o = opts ? *opts : (struct proc_opts){0};
	int fds[2], in cleanup_fd = -1, out cleanup_fd = -1, rc;
	uint64_t deadline = o.timeout_s ? now_ms() + o.timeout_s * 1000ull : 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, ERR_RESOURCE, errno, "cannot start '%s'", argv[0]);
	in = fds[0];
	out = fds[1];
	o.out = out;
	if (proc_start(argv, &o, &pid, err) < 0)
		return -1;
	close(out);
	out = -1;
	rc = gather(in, argv[0], deadline, limit, ret, err);
	if (rc != 0) {
		kill_and_reap(pid, o.same_group);
		if (rc > 0)
			err_set(err, ERR_TIMEOUT, "'%s' took longer than %u s", argv[0],
				o.timeout_s);
		return -1;
	}
	return wait_until(argv[0], pid, &o, deadline, err);
}
