/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"

/* Tells the parent why the program was not started: errno, or 0 and a text. */
static void __attribute__((noreturn)) give_up(int errfd, int number, const struct err *e)
{
	if (write(errfd, &number, sizeof(number)) == sizeof(number) && e)
		(void)!write(errfd, e->text, strlen(e->text));
	_exit(127);
}

/* Takes its place in the world; what it is given of OPTS to enter may allocate. */
static void take_place(const struct proc_opts *o, int errfd)
{
	struct pollfd parent = {.fd = errfd};
	struct err *err = NULL;

	if (o->enter ? proc_leave_login() < 0 : !o->same_group && setpgid(0, 0) < 0)
		give_up(errfd, errno, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&parent, 1, 0) < 0 || parent.revents) /* nobody reads: it has died already */
		_exit(127);
	if (o->enter && o->enter(o->enter_arg, &err) < 0)
		give_up(errfd, 0, err);
}

/*
 * The child's half between fork and exec: only async-signal-safe calls, but for what is called to
 * enter its namespaces. ERRFD carries the reason back.
 */
static void child(const char *program, char *const argv[], const struct proc_opts *o, int errfd)
{
	static const struct rlimit nothing = {0, 0};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	take_place(o, errfd);
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
	if ((o->cwd && chdir(o->cwd) < 0) || (o->no_core && setrlimit(RLIMIT_CORE, &nothing) < 0))
		goto fail;
	execve(program, argv, o->env ? o->env : environ);
fail:
	give_up(errfd, errno, NULL);
}

/* Of a child that was not started: its reason, in FD after errno, which was FAILED. */
static int not_started(pid_t pid, int fd, const char *name, int failed, struct err **err)
{
	struct str why cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (failed)
		return err_errno(err, E_PROGRAM_MISSING, failed, "cannot start '%s'", name);
	(void)!fd_read_all(fd, name, 65536, &why, &ignored);
	return err_set(err, E_PROGRAM_MISSING, "cannot start '%s': %s", name, why.buf);
}

int proc_start(char *const argv[], const struct proc_opts *opts, pid_t *ret_pid, struct err **err)
{
	static const struct proc_opts defaults;
	char *program cleanup_free = path_program(argv[0]);
	int fds[2], in cleanup_fd = -1, out cleanup_fd = -1;
	int failed = 0;
	pid_t pid;
	ssize_t n;

	if (!opts)
		opts = &defaults;
	if (!program)
		return err_set(err, E_PROGRAM_MISSING,
			       "program '%s' is not installed (see `orch doctor`)", argv[0]);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start '%s'", argv[0]);
	in = fds[0];
	out = fds[1];
	/* The raw call: glibc has no fork() with flags. */
	pid = opts->namespaces ? (pid_t)syscall(SYS_clone, SIGCHLD | opts->namespaces, 0, 0, 0, 0)
			       : fork();
	if (pid < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start '%s'", argv[0]);
	if (pid == 0)
		child(program, argv, opts, out);
	if (!opts->same_group && !opts->enter)
		setpgid(pid, pid); /* in both, so that neither has to wait for the other */
	fd_closep(&out);
	do
		n = read(in, &failed, sizeof(failed));
	while (n < 0 && errno == EINTR);
	if (n == sizeof(failed))
		return not_started(pid, in, argv[0], failed, err);
	*ret_pid = pid;
	return 0;
}

int proc_wait(pid_t pid, int *ret_status, struct err **err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_errno(err, E_INTERNAL, errno, "cannot wait for a child");
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
	return xasprintf("ended with wait status 0x%x", (unsigned)status);
}

int proc_check(const char *name, int status, struct err **err)
{
	char *text cleanup_free = NULL;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	text = proc_status_string(status);
	return err_set(err, E_PROGRAM_FAILED, "'%s' %s", name, text);
}

void proc_kill_group(pid_t pid, int signal)
{
	if (pid > 1)
		kill(-pid, signal);
}

/* Milliseconds until DEADLINE for poll(2); -1 when there is none. */
static int left_ms(uint64_t deadline)
{
	uint64_t now = clock_ms();

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

/* What a program said on stderr: the first bytes and the last ones. */
struct said {
	struct str first, last;
};

enum { SAID_KEPT = 4096, REASON_MAX = 300 };

static void said_add(struct said *s, const char *data, size_t len)
{
	if (s->first.len < SAID_KEPT)
		str_append_len(&s->first, data, len);
	str_append_len(&s->last, data, len);
	if (s->last.len > 2 * SAID_KEPT) {
		memmove(s->last.buf, s->last.buf + s->last.len - SAID_KEPT, SAID_KEPT);
		s->last.len = SAID_KEPT;
		s->last.buf[SAID_KEPT] = 0;
	}
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The line that ends at END, without space around it; *RET_BEFORE is where the one before ends. */
static char *line_before(const char *text, const char *end, const char **ret_before)
{
	const char *start = end;

	while (start > text && start[-1] != '\n')
		start--;
	*ret_before = start > text ? start - 1 : text;
	while (start < end && is_space(*start))
		start++;
	while (end > start && is_space(end[-1]))
		end--;
	if (end - start > REASON_MAX)
		end = start + REASON_MAX;
	return xstrndup(start, (size_t)(end - start));
}

/* The last line with anything in it; NULL when there is none. */
static char *last_line(const struct str *s)
{
	const char *end = s->buf + s->len;

	while (end > s->buf) {
		char *line cleanup_free = line_before(s->buf, end, &end);

		if (*line)
			return steal_ptr(line);
	}
	return NULL;
}

static char *first_line(const struct str *s)
{
	size_t skip = strspn(s->buf, " \t\r\n"), len = strcspn(s->buf + skip, "\n");
	const char *before;

	return line_before(s->buf + skip, s->buf + skip + len, &before);
}

/*
 * Adds the reason to ERR. A program that reports the end of another one ("Child process exited with
 * code 1" is GLib's wording) does not know why: then what was said first stands there, too.
 */
static int give_reason(const struct said *said, struct err **err)
{
	char *last cleanup_free = last_line(&said->last), *first cleanup_free = NULL;
	char *text;

	if (!last)
		return -1;
	if (strstr(last, "Child process "))
		first = first_line(&said->first);
	if (first && !str_eq(first, last))
		text = xasprintf("%s: %s (%s)", (*err)->text, last, first);
	else
		text = xasprintf("%s: %s", (*err)->text, last);
	free((*err)->text);
	(*err)->text = text;
	if (strstr(said->last.buf, "No space left on device"))
		(*err)->code = E_DISK_FULL;
	return -1;
}

/* A program while it runs. */
struct child {
	const char *name;
	const struct proc_opts *opts;
	pid_t pid;
	uint64_t deadline;
	int pidfd, out, errfd; /* -1: not followed; out and errfd are closed at their ends */
	struct str *text;      /* of out */
	size_t limit;
	struct said said;
};

static void child_release(struct child *c)
{
	fd_closep(&c->pidfd);
	fd_closep(&c->out);
	fd_closep(&c->errfd);
	str_release(&c->said.first);
	str_release(&c->said.last);
}
#define cleanup_child __attribute__((cleanup(child_release)))

/* Makes a pipe: *RET_READ for us, *RET_WRITE for the child. */
static int open_pipe(const char *name, int *ret_read, int *ret_write, struct err **err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start '%s'", name);
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

/* Starts ARGV with pipes on stderr (unless OPTS has a place for it) and, with TEXT, on stdout. */
static int child_start(struct child *c, char *const argv[], const struct proc_opts *opts,
		       struct err **err)
{
	struct proc_opts o = *opts;
	int out cleanup_fd = -1, errfd cleanup_fd = -1;

	c->name = argv[0];
	c->opts = opts;
	c->deadline = opts->timeout_s ? clock_ms() + opts->timeout_s * 1000ull : 0;
	if (c->text && open_pipe(argv[0], &c->out, &out, err) < 0)
		return -1;
	if (c->text)
		o.out = out;
	if (opts->errfd <= 0) {
		if (open_pipe(argv[0], &c->errfd, &errfd, err) < 0)
			return -1;
		o.errfd = errfd;
	}
	if (proc_start(argv, &o, &c->pid, err) < 0)
		return -1;
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	return 0;
}

/* One read of stdout. */
static int take_out(struct child *c, struct err **err)
{
	ssize_t got = read(c->out, str_reserve(c->text, 65536), 65536);

	if (got < 0 && errno == EINTR)
		return 0;
	if (got < 0)
		return err_errno(err, E_INTERNAL, errno, "cannot read from '%s'", c->name);
	if (got == 0)
		fd_closep(&c->out);
	c->text->len += (size_t)got;
	c->text->buf[c->text->len] = 0;
	if (c->text->len > c->limit)
		return err_set(err, E_PROGRAM_FAILED, "'%s' printed more than %zu bytes", c->name,
			       c->limit);
	return 0;
}

/* One read of stderr, which goes on to ours. */
static void take_err(struct child *c)
{
	char buf[4096];
	ssize_t got = read(c->errfd, buf, sizeof(buf));

	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0) {
		fd_closep(&c->errfd);
		return;
	}
	said_add(&c->said, buf, (size_t)got);
	for (ssize_t done = 0, n; done < got; done += n) {
		n = write(STDERR_FILENO, buf + done, (size_t)(got - done));
		if (n < 0 && errno != EINTR)
			return;
		if (n < 0)
			n = 0;
	}
}

/*
 * Follows the child until it has ended and all of its stdout is here. Somebody whom it started and
 * who lives on may hold stderr: what stands in the pipe when the child ends is all that is read.
 */
static int follow(struct child *c, struct err **err)
{
	bool ended = false;

	while (c->out >= 0 || (c->pidfd >= 0 ? !ended : c->errfd >= 0)) {
		struct pollfd fds[] = {{.fd = c->out, .events = POLLIN},
				       {.fd = c->errfd, .events = POLLIN},
				       {.fd = ended ? -1 : c->pidfd, .events = POLLIN}};
		int n = poll(fds, 3, left_ms(c->deadline));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, E_INTERNAL, errno, "cannot wait for '%s'", c->name);
		if (n == 0)
			return err_set(err, E_PROGRAM_TIMEOUT, "'%s' took longer than %u s",
				       c->name, c->opts->timeout_s);
		if (fds[0].revents && take_out(c, err) < 0)
			return -1;
		if (fds[1].revents)
			take_err(c);
		ended |= fds[2].revents != 0;
	}
	while (c->errfd >= 0 && poll(&(struct pollfd){.fd = c->errfd, .events = POLLIN}, 1, 0) > 0)
		take_err(c);
	return 0;
}

static int child_run(struct child *c, char *const argv[], const struct proc_opts *opts,
		     struct err **err)
{
	static const struct proc_opts defaults;
	int status;

	if (child_start(c, argv, opts ? opts : &defaults, err) < 0)
		return -1;
	if (follow(c, err) < 0) {
		kill_and_reap(c->pid, c->opts->same_group);
		return -1;
	}
	if (proc_wait(c->pid, &status, err) < 0)
		return -1;
	if (proc_check(c->name, status, err) < 0)
		return give_reason(&c->said, err);
	return 0;
}

int proc_run(char *const argv[], const struct proc_opts *opts, struct err **err)
{
	struct child c cleanup_child = {
		.pidfd = -1, .out = -1, .errfd = -1, .said = {STR_INIT, STR_INIT}};

	return child_run(&c, argv, opts, err);
}

int proc_output(char *const argv[], const struct proc_opts *opts, size_t limit, struct str *ret,
		struct err **err)
{
	struct child c cleanup_child = {.pidfd = -1,
					.out = -1,
					.errfd = -1,
					.said = {STR_INIT, STR_INIT},
					.text = ret,
					.limit = limit};

	return child_run(&c, argv, opts, err);
}

int proc_watch_signals(int *ret_fd, struct err **err)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot watch signals");
	*ret_fd = fd;
	return 0;
}
