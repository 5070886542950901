/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/file.h"
#include "machine/board/console.h"
#include "machine/terminal.h"

#define CTRL_A 1
#define CTRL_C 3
#define UNREAD_MAX 65536 /* bytes that wait for a guest to read them */

struct joint {
	const struct attach *a;
	bool interactive; /* stdin is a terminal, raw by now */
	bool clean;       /* stdout is none: lines instead of bytes */
	bool escape;      /* Ctrl-A was typed */
	bool over;        /* the user wants out */
	bool broken;      /* stdout takes no more */
	struct console console;
	char *mark;        /* "ORCH-TOKEN ", what begins a marker; NULL: there are none */
	size_t marked;     /* how much of it this line began with: held back */
	bool line_start;   /* nothing was printed since the last newline */
	struct str unread; /* what the guest had no room for yet */
	int signals;
	uint64_t deadline; /* ms; 0: none */
};

static void put(struct joint *j, const char *data, size_t len)
{
	struct err *ignored cleanup_err = NULL;

	if (!j->broken && fd_write_all(STDOUT_FILENO, "stdout", data, len, &ignored) < 0)
		j->broken = true;
}

static void put_line(void *arg, enum console_event event, const char *text, long a, long b)
{
	struct str line cleanup_str = STR_INIT;
	struct joint *j = arg;

	if (event != CONSOLE_LINE)
		return;
	str_escape(&line, text, strlen(text));
	str_append_char(&line, '\n');
	put(j, line.buf, line.len);
}

static bool is_held(const struct joint *j)
{
	return j->a->held && *j->a->held;
}

/* One byte of a guest that is heard: into OUT, unless it is of a marker, or may be. */
static void pass_byte(struct joint *j, char c, struct str *out)
{
	size_t whole = strlen(j->mark);

	if (j->marked == whole) { /* the rest of the line is of the marker */
		j->marked = c == '\n' ? 0 : whole;
	} else if ((j->marked || j->line_start) && c == j->mark[j->marked]) {
		j->marked++;
	} else {
		str_append_len(out, j->mark, j->marked);
		str_append_char(out, c);
		j->marked = 0;
	}
	j->line_start = c == '\n';
}

/* Byte for byte: what a marker in it changes holds from the next one on. */
static void hear(struct joint *j, const char *data, size_t len)
{
	struct str out cleanup_str = STR_INIT;

	for (size_t i = 0; i < len; i++) {
		if (!is_held(j))
			pass_byte(j, data[i], &out);
		console_feed(&j->console, data + i, 1);
	}
	put(j, out.buf ? out.buf : "", out.len);
}

/* What the guest says. 1: it has hung up. */
static int from_guest(struct joint *j)
{
	char buf[16384];
	ssize_t n = read(j->a->console, buf, sizeof(buf));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : 1;
	if (n == 0)
		return 1;
	if (j->mark)
		hear(j, buf, (size_t)n);
	else if (j->clean)
		console_feed(&j->console, buf, (size_t)n);
	else
		put(j, buf, (size_t)n);
	return 0;
}

/* Of what waits, as much as the guest has room for: it may never read, and is not waited for. */
static void send_unread(struct joint *j)
{
	ssize_t n;

	if (is_held(j))
		return;
	n = send(j->a->console, j->unread.buf, j->unread.len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0 || (size_t)n == j->unread.len) {
		str_clear(&j->unread); /* all of it, or the guest is gone: the loop will see it */
		return;
	}
	j->unread.len -= (size_t)n;
	memmove(j->unread.buf, j->unread.buf + n, j->unread.len + 1);
}

/* Keys that nobody reads are lost in the end, as on a serial line. */
static void send_guest(struct joint *j, const char *data, size_t len)
{
	if (j->unread.len + len <= UNREAD_MAX)
		str_append_len(&j->unread, data, len);
	send_unread(j);
}

static void after_escape(struct joint *j, char c)
{
	static const char help[] = "\r\norch: Ctrl-A X ends, Ctrl-A Ctrl-A sends Ctrl-A\r\n";

	if (c == 'x' || c == 'X')
		j->over = true;
	else if (c == CTRL_A)
		send_guest(j, &c, 1);
	else if (c == 'h' || c == 'H' || c == '?')
		put(j, help, sizeof(help) - 1);
}

static void typed(struct joint *j, const char *data, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; i < len && !j->over; i++) {
		if (data[i] == CTRL_C && is_held(j))
			j->over = true;
		if (!j->escape && data[i] != CTRL_A)
			continue;
		if (j->escape) {
			after_escape(j, data[i]);
			from = i + 1;
		} else {
			send_guest(j, data + from, i - from);
		}
		j->escape = !j->escape;
	}
	if (!j->escape && !j->over)
		send_guest(j, data + from, len - from);
}

/* What stdin has. 1: its end. */
static int from_user(struct joint *j)
{
	char buf[4096];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : 1;
	if (n == 0)
		return 1;
	if (j->interactive)
		typed(j, buf, (size_t)n);
	else
		send_guest(j, buf, (size_t)n);
	return 0;
}

static int wait_ms(const struct joint *j)
{
	uint64_t now = clock_ms();

	if (!j->deadline)
		return -1;
	return j->deadline <= now ? 0 : (int)(j->deadline - now);
}

enum { USER, GUEST, PROCESS, SIGNALS, READER, COUNT };

static int join(struct joint *j, enum attach_end *ret, int *ret_signal, struct err **err)
{
	struct pollfd fds[COUNT] = {
		[USER] = {.fd = STDIN_FILENO, .events = POLLIN},
		[GUEST] = {.fd = j->a->console, .events = POLLIN},
		[PROCESS] = {.fd = j->a->process, .events = POLLIN},
		[SIGNALS] = {.fd = j->signals, .events = POLLIN},
		[READER] = {.fd = STDOUT_FILENO}, /* POLLERR: nobody reads the pipe */
	};
	struct signalfd_siginfo si;

	for (;;) {
		int n;

		/* Keys are always looked at, for the way out; a file waits. */
		fds[USER].events = j->interactive || !j->unread.len ? POLLIN : 0;
		fds[GUEST].events = j->unread.len && !is_held(j) ? POLLIN | POLLOUT : POLLIN;
		n = poll(fds, COUNT, wait_ms(j));
		if (n < 0 && errno != EINTR)
			return err_errno(err, E_INTERNAL, errno, "cannot wait for the guest");
		*ret = ATTACH_TIMEOUT;
		if (j->deadline && j->deadline <= clock_ms())
			return 0;
		if (n <= 0)
			continue;
		if (fds[GUEST].revents & POLLOUT)
			send_unread(j);
		if (fds[GUEST].revents & ~POLLOUT && from_guest(j))
			fds[GUEST].fd = -1;
		if (fds[USER].revents && from_user(j))
			fds[USER].fd = -1;
		*ret = ATTACH_SIGNAL;
		if (fds[SIGNALS].revents && read(j->signals, &si, sizeof(si)) == sizeof(si)) {
			*ret_signal = (int)si.ssi_signo;
			return 0;
		}
		*ret = ATTACH_USER;
		if (j->over || j->broken || (fds[READER].revents & POLLERR))
			return 0;
		*ret = ATTACH_GUEST_OFF;
		if (fds[PROCESS].revents && fds[GUEST].fd < 0)
			return 0;
	}
}

int attach_run(const struct attach *a, enum attach_end *ret, int *ret_signal, struct err **err)
{
	struct joint j = {.a = a, .clean = !isatty(STDOUT_FILENO), .signals = -1};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, pipe_before;
	struct terminal *terminal = NULL;
	sigset_t set, before;
	int rc;

	j.console = (struct console)CONSOLE_INIT(NULL, put_line, &j);
	if (a->held && !j.clean) {
		j.console = (struct console)CONSOLE_INIT(a->token, a->fn, a->arg);
		j.mark = xasprintf("ORCH-%s ", a->token);
	}
	j.unread = (struct str)STR_INIT;
	j.deadline = a->timeout_s ? clock_ms() + a->timeout_s * 1000ull : 0;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &before);
	sigaction(SIGPIPE, &ignore, &pipe_before);
	j.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	rc = j.signals < 0 ? err_errno(err, E_CANNOT_START, errno, "cannot wait for signals") : 0;
	if (rc == 0)
		rc = terminal_lend(STDIN_FILENO, true, &terminal, err);
	j.interactive = rc == 0;
	if (rc >= 0)
		rc = join(&j, ret, ret_signal, err);
	if (j.clean)
		console_end(&j.console);
	terminal_restore(terminal);
	console_release(&j.console);
	str_release(&j.unread);
	free(j.mark);
	fd_closep(&j.signals);
	sigaction(SIGPIPE, &pipe_before, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}
