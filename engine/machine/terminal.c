/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/file.h"

struct terminal {
	int fd;
	struct termios before;
	pid_t group; /* in front before; 0: not ours */
	pid_t guard;
	int alive; /* write end of a pipe; its closing is our end */
};

/*
 * The child: out of our session, so that no key and no signal to our group reaches it, it sleeps
 * until nobody holds the other end of the pipe. Only calls that are safe after fork.
 */
static void guard(int fd, int pipe_end, const struct termios *before)
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
	tcsetattr(4, TCSANOW, before);
	_exit(0);
}

static int start_guard(struct terminal *t, struct err **err)
{
	int pipe_fds[2], tty = -1;

	/* High numbers, so that the child may rearrange them freely. */
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, ERR_RESOURCE, errno, "cannot guard the terminal");
	tty = fcntl(t->fd, F_DUPFD_CLOEXEC, 10);
	t->alive = pipe_fds[1];
	t->guard = tty < 0 ? -1 : fork();
	if (t->guard == 0) {
		int in = fcntl(pipe_fds[0], F_DUPFD, 10);

		close(pipe_fds[1]);
		guard(tty, in, &t->before);
	}
	close(pipe_fds[0]);
	fd_closep(&tty);
	if (t->guard > 0)
		return 0;
	fd_closep(&t->alive);
	return err_errno(err, ERR_RESOURCE, errno, "cannot guard the terminal");
}

int terminal_lend(int fd, bool raw, struct terminal **ret, struct err **err)
{
	struct terminal *t;
	struct termios keys;

	if (!isatty(fd))
		return 1;
	t = xcalloc(1, sizeof(*t));
	t->fd = fd;
	t->guard = t->alive = -1;
	t->group = tcgetpgrp(fd) == getpgrp() ? getpgrp() : 0;
	if (tcgetattr(fd, &t->before) < 0) {
		free(t);
		return err_errno(err, ERR_ENV, errno, "cannot use the terminal");
	}
	if (start_guard(t, err) < 0) {
		free(t);
		return -1;
	}
	keys = t->before;
	cfmakeraw(&keys);
	if (raw && tcsetattr(fd, TCSADRAIN, &keys) < 0) {
		err_errno(err, ERR_ENV, errno, "cannot use the terminal");
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
	tcsetattr(t->fd, TCSADRAIN, &t->before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	fd_closep(&t->alive);
	if (t->guard > 0)
		waitpid(t->guard, NULL, 0);
	free(t);
}
