/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/pty.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/file.h"

#define CHUNK 65536

static volatile sig_atomic_t resized;

static void on_resize(int number)
{
	(void)number;
	resized = 1;
}

/* The slave has the size of terminal IN from now on. */
static void pass_size(int in, int master)
{
	struct winsize size;

	resized = 0;
	if (ioctl(in, TIOCGWINSZ, &size) == 0)
		ioctl(master, TIOCSWINSZ, &size);
}

/*
 * Shows what is there; false at its end (EIO: nobody holds the slave), or when OUT takes no more.
 */
static bool show(int master, int out)
{
	char buf[CHUNK];
	ssize_t n = read(master, buf, sizeof(buf));
	struct err *ignored cleanup_err = NULL;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	return n > 0 && fd_write_all(out, "terminal", buf, (size_t)n, &ignored) == 0;
}

/* Keys that were typed and not read yet: a program may never do so, and is shown all the same. */
struct keys {
	char buf[4096];
	size_t len;
};

/* False at the end of IN. */
static bool take_keys(int in, struct keys *k)
{
	ssize_t n = read(in, k->buf, sizeof(k->buf));

	k->len = n > 0 ? (size_t)n : 0;
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

static void type_keys(int master, struct keys *k)
{
	ssize_t n = write(master, k->buf, k->len);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0)
		n = (ssize_t)k->len; /* nobody is there any more */
	k->len -= (size_t)n;
	memmove(k->buf, k->buf + n, k->len);
}

/* The relay: until nobody holds the slave any more. */
static void relay(int in, int out, int master)
{
	struct pollfd p[] = {{.fd = in}, {.fd = master}};
	struct sigaction action = {.sa_handler = on_resize};
	struct keys keys = {.len = 0};

	/* Keys are bytes here; a signal to our group is for the command that the user sees. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGWINCH, &action, NULL);
	for (;;) {
		if (resized)
			pass_size(in, master);
		p[0].events = keys.len ? 0 : POLLIN;
		p[1].events = keys.len ? POLLIN | POLLOUT : POLLIN;
		if (poll(p, 2, -1) < 0) {
			if (errno != EINTR)
				return;
			continue;
		}
		if (p[1].revents & ~POLLOUT && !show(master, out))
			return;
		if (!keys.len && p[0].revents && !take_keys(in, &keys))
			p[0].fd = -1;
		if (keys.len)
			type_keys(master, &keys);
	}
}

static int start_relay(struct pty *p, int in, int out, int master, struct err **err)
{
	pid_t caller = getpid();

	p->relay = fork();
	if (p->relay < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start a terminal relay");
	if (p->relay > 0)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == caller) {
		close(p->slave);
		relay(in, out, master);
	}
	_exit(0);
}

/* The slave of MASTER, set as terminal IN is. */
static int open_slave(int in, int master, struct pty *ret, struct err **err)
{
	struct termios settings;
	char name[64];

	if (grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof(name)) != 0)
		return err_errno(err, E_TERMINAL_FAILED, errno, "cannot open a pseudo-terminal");
	ret->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (ret->slave < 0)
		return err_errno(err, E_TERMINAL_FAILED, errno, "cannot open '%s'", name);
	pass_size(in, master);
	if (tcgetattr(in, &settings) == 0)
		tcsetattr(ret->slave, TCSANOW, &settings);
	return 0;
}

int pty_open(int in, int out, struct pty *ret, struct err **err)
{
	int master cleanup_fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	*ret = (struct pty)PTY_INIT;
	if (master < 0)
		return err_errno(err, E_TERMINAL_FAILED, errno, "cannot open a pseudo-terminal");
	if (open_slave(in, master, ret, err) < 0 || start_relay(ret, in, out, master, err) < 0) {
		pty_close(ret);
		return -1;
	}
	return 0;
}

void pty_close(struct pty *p)
{
	if (p->slave >= 0)
		close(p->slave);
	p->slave = -1;
	while (p->relay > 0 && waitpid(p->relay, NULL, 0) < 0 && errno == EINTR)
		;
	p->relay = 0;
}
