/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/clock.h"
#include "base/file.h"

#define ANSWER_MS 500  /* for a terminal's answer */
#define QUIET_MS 100   /* without a byte after it: no other is under way */
#define FLOOD_MS 10000 /* no longer than that, whatever comes */

/*
 * What ends whatever a guest began and switches off what makes a terminal type by itself (ECMA-48;
 * xterm's ctlseqs): CAN and ST end a sequence; soft reset; no reports of the mouse, of focus, of
 * pasting; no other codes for keys; the normal screen. Then a question, DSR, which any terminal
 * answers after all those that it was asked before.
 */
static const char reset[] = "\030\033\\\033[!p\033[?9;1000;1002;1003;1004;1005;1006;1015;1016;2004l"
			    "\033[>4m\033[<u\033[?1047l\033[5n";
static const char answer[] = "\033[0n";

struct terminal {
	int fd;
	bool talks; /* it knows such sequences, and was raw */
	struct termios before;
	pid_t group; /* in front before; 0: not ours */
	pid_t guard;
	int alive; /* write end of a pipe; its closing is our end */
};

/* Whether ANSWER has come whole in what was read; *AT counts its bytes so far. */
static bool is_answered(const char *data, ssize_t len, size_t *at)
{
	for (ssize_t i = 0; i < len; i++) {
		*at = data[i] == answer[*at] ? *at + 1 : data[i] == answer[0];
		if (!answer[*at])
			return true;
	}
	return false;
}

/*
 * A guest may have asked the terminal something, and what it answers would be typed to whoever
 * reads next, a shell. Takes in what comes until nothing more can. Safe after fork.
 */
static void settle(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t end = clock_ms() + FLOOD_MS;
	int wait = ANSWER_MS;
	char buf[4096];
	size_t at = 0;
	ssize_t n;

	if (write(fd, reset, sizeof(reset) - 1) < 0)
		return;
	while (clock_ms() < end && poll(&p, 1, wait) > 0) {
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			return;
		if (is_answered(buf, n, &at))
			wait = QUIET_MS;
	}
}

/*
 * The child: out of our session, so that no key and no signal to our group reaches it, it sleeps
 * until nobody holds the other end of the pipe. Only calls that are safe after fork.
 */
static void guard(int fd, int pipe_end, const struct terminal *t)
{
	char c;

	setsid();
	if (pipe_end != 3)
		dup2(pipe_end, 3);
	if (fd != 4)
		dup2(fd, 4);
	close_range(5, ~0u, 0);
	for (int i = 0; i < 3; i++)
		close(i);
	while (read(3, &c, 1) < 0 && errno == EINTR)
		;
	if (t->talks)
		settle(4);
	tcsetattr(4, TCSAFLUSH, &t->before);
	_exit(0);
}

static int start_guard(struct terminal *t, struct err **err)
{
	int pipe_fds[2], tty = -1;

	/* High numbers, so that the child may rearrange them freely. */
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot guard the terminal");
	tty = fcntl(t->fd, F_DUPFD_CLOEXEC, 10);
	t->alive = pipe_fds[1];
	t->guard = tty < 0 ? -1 : fork();
	if (t->guard == 0) {
		int in = fcntl(pipe_fds[0], F_DUPFD, 10);

		close(pipe_fds[1]);
		guard(tty, in, t);
	}
	close(pipe_fds[0]);
	fd_closep(&tty);
	if (t->guard > 0)
		return 0;
	fd_closep(&t->alive);
	return err_errno(err, E_CANNOT_START, errno, "cannot guard the terminal");
}

int terminal_lend(int fd, bool raw, struct terminal **ret, struct err **err)
{
	const char *term = getenv("TERM");
	struct terminal *t;
	struct termios keys;

	if (!isatty(fd))
		return 1;
	t = xcalloc(1, sizeof(*t));
	t->fd = fd;
	t->talks = raw && term && *term && !str_eq(term, "dumb");
	t->guard = t->alive = -1;
	t->group = tcgetpgrp(fd) == getpgrp() ? getpgrp() : 0;
	if (tcgetattr(fd, &t->before) < 0) {
		free(t);
		return err_errno(err, E_TERMINAL_FAILED, errno, "cannot use the terminal");
	}
	if (start_guard(t, err) < 0) {
		free(t);
		return -1;
	}
	keys = t->before;
	cfmakeraw(&keys);
	if (raw && tcsetattr(fd, TCSADRAIN, &keys) < 0) {
		err_errno(err, E_TERMINAL_FAILED, errno, "cannot use the terminal");
		terminal_restore(t);
		return -1;
	}
	*ret = t;
	return 0;
}

void terminal_restore(struct terminal *t)
{
	sigset_t ttou, before;

	if (!t)
		return;
	/* A background process may set the terminal only while it ignores this. */
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &before);
	if (t->group)
		tcsetpgrp(t->fd, t->group);
	if (t->talks)
		settle(t->fd);
	tcsetattr(t->fd, TCSAFLUSH, &t->before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (t->guard > 0) { /* nothing is left to it */
		kill(t->guard, SIGKILL);
		waitpid(t->guard, NULL, 0);
	}
	fd_closep(&t->alive);
	free(t);
}
