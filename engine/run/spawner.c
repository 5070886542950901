/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Over a socketpair of packets:
 *
 *	spawner to orch   "orch-worker BUILD"       once, when it is loaded
 *	orch to spawner   struct request            with two descriptors: log, the worker's socket
 *	spawner to orch   struct reply
 */
#include "run/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/pin.h"
#include "base/proc.h"
#include "base/trace.h"

#define GREETING "orch-worker "
#define WAIT_S 60                           /* for a program that says nothing */
#define LIBRARY_BYTES (UINT64_C(256) << 20) /* of address space; on Debian 12 it takes 90 MiB */

struct request {
	enum spawn_mode mode;
};

struct reply {
	pid_t pid;
	int error; /* errno, with pid -1 */
};

/* The descriptors that go with a request. */
union passed {
	struct cmsghdr align;
	char room[CMSG_SPACE(2 * sizeof(int))];
};

/* ---- orch's side ---- */

struct spawner {
	const char *program, *build;
	pid_t pid; /* 0: not started */
	int sock;
	bool ready;
};

static int start_program(struct spawner *s, struct err **err)
{
	char *const argv[] = {(char *)s->program, "worker", NULL};
	const struct timeval wait = {.tv_sec = WAIT_S};
	int fds[2], mine cleanup_fd = -1, theirs cleanup_fd = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start the worker program");
	mine = fds[0];
	theirs = fds[1];
	if (setsockopt(mine, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    setsockopt(mine, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
		return err_errno(err, E_INTERNAL, errno, "cannot start the worker program");
	/* In our process group: it leaves for a session of its own, which no group's leader can. */
	if (proc_start(argv,
		       &(struct proc_opts){.in = theirs, .same_group = true, .pass = pin_passed()},
		       &s->pid, err) < 0) {
		(*err)->code = E_WORKER_PROGRAM;
		return err_wrap(err, "cannot start the worker program");
	}
	s->sock = mine;
	s->ready = false;
	mine = -1;
	return 0;
}

/* *RET_STATUS: of wait(2). */
static void stop_program(struct spawner *s, int *ret_status)
{
	*ret_status = 0;
	if (s->pid) {
		kill(s->pid, SIGKILL);
		while (waitpid(s->pid, ret_status, 0) < 0 && errno == EINTR)
			;
	}
	s->pid = 0;
	if (s->sock >= 0)
		close(s->sock);
	s->sock = -1;
}

int spawner_open(const char *program, const char *build, struct spawner **ret, struct err **err)
{
	struct spawner *s = xcalloc(1, sizeof(*s));

	s->program = program;
	s->build = build;
	s->sock = -1;
	if (start_program(s, err) < 0) {
		spawner_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

/* Whether somebody limited our address space to what the program's libraries may not fit in. */
static bool little_memory(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < LIBRARY_BYTES;
}

/* It closed its socket without a word: it ended, or is about to. */
static int fail_silent(struct spawner *s, struct err **err)
{
	char *text cleanup_free = NULL;
	int status = 0;

	for (int i = 0; i < 100 && waitpid(s->pid, &status, WNOHANG) == 0; i++)
		poll(NULL, 0, 10);
	s->pid = 0;
	text = proc_status_string(status);
	if (little_memory())
		return err_set(err, E_NO_MEMORY,
			       "the worker program '%s' does not start in the memory that is left "
			       "to it (ulimit -v): it %s",
			       s->program, text);
	return err_set(err, E_WORKER_PROGRAM,
		       "the worker program '%s' does not start: it %s; is it whole, with its "
		       "libraries?",
		       s->program, text);
}

int spawner_ready(struct spawner *s, struct err **err)
{
	char text[256];
	const char *build;
	ssize_t n;

	if (s->ready)
		return 0;
	while ((n = recv(s->sock, text, sizeof(text) - 1, 0)) < 0 && errno == EINTR)
		;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return fail_silent(s, err);
	if (n < 0)
		return err_set(err, E_WORKER_PROGRAM, "the worker program '%s' says nothing",
			       s->program);
	text[n] = 0;
	build = str_skip(text, GREETING);
	if (!build)
		return err_set(err, E_WORKER_PROGRAM, "'%s' is not orch's worker program",
			       s->program);
	if (!str_eq(build, s->build))
		return err_set(err, E_WORKER_PROGRAM,
			       "'%s' is of another build than this orch: install both together",
			       s->program);
	s->ready = true;
	return 0;
}

static int send_request(struct spawner *s, enum spawn_mode mode, int log, int sock)
{
	struct request q = {mode};
	union passed room = {0};
	struct iovec io = {&q, sizeof(q)};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = room.room,
			   .msg_controllen = sizeof(room.room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	const int fds[] = {log, sock};
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	while ((n = sendmsg(s->sock, &m, MSG_NOSIGNAL)) < 0 && errno == EINTR)
		;
	return n == (ssize_t)sizeof(q) ? 0 : -1;
}

/* 1: the spawner is gone. */
static int ask(struct spawner *s, enum spawn_mode mode, int log, int sock, pid_t *ret,
	       struct err **err)
{
	struct reply r;
	ssize_t n;

	if (spawner_ready(s, err) < 0)
		return -1;
	if (send_request(s, mode, log, sock) < 0)
		return 1;
	while ((n = recv(s->sock, &r, sizeof(r), 0)) < 0 && errno == EINTR)
		;
	if (n != (ssize_t)sizeof(r))
		return 1;
	if (r.pid < 0)
		return err_errno(err, E_CANNOT_START, r.error, "cannot start a worker");
	*ret = r.pid;
	return 0;
}

static int ask_again(struct spawner *s, enum spawn_mode mode, int log, int sock, pid_t *ret,
		     struct err **err)
{
	char *text cleanup_free = NULL;
	int status, rc;

	stop_program(s, &status);
	text = proc_status_string(status);
	trace(TRACE_SCHED, "the spawner %s", text);
	if (start_program(s, err) < 0)
		return -1;
	rc = ask(s, mode, log, sock, ret, err);
	return rc <= 0 ? rc
		       : err_set(err, E_WORKER_PROGRAM, "the worker program '%s' ends at once",
				 s->program);
}

int spawner_start(struct spawner *s, enum spawn_mode mode, int log_fd, pid_t *ret_pid,
		  int *ret_sock, struct err **err)
{
	int fds[2], mine cleanup_fd = -1, theirs cleanup_fd = -1, rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start a worker");
	mine = fds[0];
	theirs = fds[1];
	if (fcntl(mine, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, E_INTERNAL, errno, "cannot start a worker");
	rc = s->pid ? ask(s, mode, log_fd, theirs, ret_pid, err) : 1;
	if (rc == 1)
		rc = ask_again(s, mode, log_fd, theirs, ret_pid, err);
	if (rc < 0)
		return -1;
	*ret_sock = mine;
	mine = -1;
	return 0;
}

pid_t spawner_pid(const struct spawner *s)
{
	return s ? s->pid : 0;
}

void spawner_close(struct spawner *s)
{
	int ignored;

	if (!s)
		return;
	stop_program(s, &ignored);
	free(s);
}

/* ---- the worker program's side: its stdin is the socket ---- */

/* 0: *RET, and the descriptors are the caller's; 1: orch is gone. */
static int next_request(struct request *ret, int *ret_log, int *ret_sock)
{
	union passed room;
	struct iovec io = {ret, sizeof(*ret)};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = room.room,
			   .msg_controllen = sizeof(room.room)};
	struct cmsghdr *c;
	int fds[2];
	ssize_t n;

	while ((n = recvmsg(0, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	c = n == (ssize_t)sizeof(*ret) ? CMSG_FIRSTHDR(&m) : NULL;
	if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(fds)))
		return 1;
	memcpy(fds, CMSG_DATA(c), sizeof(fds));
	*ret_log = fds[0];
	*ret_sock = fds[1];
	return 0;
}

/* What a worker is made of. */
struct serving {
	pid_t orch; /* the parent of spawner and workers */
	uid_t uid;  /* who all are; within a new user namespace nobody can tell */
	gid_t gid;
	void (*work)(const void *arg);
	const void *arg;
};

/* In the new process. */
static int become_worker(const struct serving *v, enum spawn_mode mode, int log, int sock)
{
	int null, high;

	if (proc_leave_login() < 0 || spawn_enter(mode, v->uid, v->gid) < 0)
		return -1;
	/* In plain mode SIGTERM, so that the worker can still kill its own. */
	prctl(PR_SET_PDEATHSIG, mode == SPAWN_PLAIN ? SIGTERM : SIGKILL);
	if (mode == SPAWN_PLAIN && getppid() != v->orch)
		_exit(127);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* Out of the way of the low numbers first. */
	high = fcntl(sock, F_DUPFD_CLOEXEC, 10);
	if (null < 0 || high < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 ||
	    dup3(high, WORKER_FD, O_CLOEXEC) < 0)
		return -1;
	close(high);
	if (null != WORKER_FD)
		close(null);
	if (log != WORKER_FD)
		close(log);
	if (sock != WORKER_FD)
		close(sock);
	return 0;
}

/*
 * The raw system call leaves out glibc's fork handlers: there is one thread only, and a worker
 * forks once more before it calls a library. What fails is said in the log.
 */
static struct reply fork_worker(const struct serving *v, enum spawn_mode mode, bool sibling,
				int log, int sock)
{
	static const char oops[] = "orch: cannot start the worker process\n";
	struct reply r = {.pid = spawn_fork(mode, sibling)};

	if (r.pid < 0)
		r.error = errno;
	if (r.pid != 0)
		return r;
	if (become_worker(v, mode, log, sock) < 0) {
		(void)!write(log, oops, sizeof(oops) - 1);
		_exit(127);
	}
	v->work(v->arg);
	fflush(NULL);
	_exit(0);
}

int spawner_fork(enum spawn_mode mode, int log, int sock, void (*work)(const void *arg),
		 const void *arg, pid_t *ret_pid, struct err **err)
{
	const struct serving v = {getpid(), geteuid(), getegid(), work, arg};
	struct reply r = fork_worker(&v, mode, false, log, sock);

	if (r.pid < 0)
		return err_errno(err, E_CANNOT_START, r.error, "cannot start a worker");
	*ret_pid = r.pid;
	return 0;
}

static void default_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int spawner_serve(const char *build, void (*work)(const void *arg), const void *arg)
{
	const struct serving v = {getppid(), geteuid(), getegid(), work, arg};
	char *hello cleanup_free = xasprintf("%s%s", GREETING, build);
	struct request q;
	int log, sock;

	prctl(PR_SET_NAME, "orch-spawner");
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC); /* a PIN (base/pin.h) is for no program */
	default_signals();
	if (proc_leave_login() < 0 || send(0, hello, strlen(hello), MSG_NOSIGNAL) < 0) {
		perror("orch-worker");
		return 127;
	}
	while (next_request(&q, &log, &sock) == 0) {
		struct reply r = fork_worker(&v, q.mode, true, log, sock);

		close(log);
		close(sock);
		if (send(0, &r, sizeof(r), MSG_NOSIGNAL) < 0)
			break;
	}
	return 0;
}
