/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/board/remote_console.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"

#define CONNECT_MS 5000 /* until the other side answers at all */

/* -- telnet -- */

enum { IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240 };
enum { TELNET_DATA, TELNET_COMMAND, TELNET_OPTION, TELNET_SUB, TELNET_SUB_COMMAND };

/* One of "IAC VERB OPTION": what they would do, or want us to do, is declined. */
static void decline(const struct telnet *t, unsigned char option, struct str *reply)
{
	if (t->verb != WILL && t->verb != DO)
		return;
	str_append_char(reply, (char)IAC);
	str_append_char(reply, (char)(t->verb == WILL ? DONT : WONT));
	str_append_char(reply, (char)option);
}

/* 1: B is a byte of the console. */
static int telnet_byte(struct telnet *t, unsigned char b, struct str *reply)
{
	switch (t->state) {
	case TELNET_COMMAND:
		t->verb = b;
		t->state = b == SB                ? TELNET_SUB
			   : b >= WILL && b < IAC ? TELNET_OPTION
						  : TELNET_DATA;
		return b == IAC;
	case TELNET_OPTION:
		decline(t, b, reply);
		t->state = TELNET_DATA;
		return 0;
	case TELNET_SUB:
		t->state = b == IAC ? TELNET_SUB_COMMAND : TELNET_SUB;
		return 0;
	case TELNET_SUB_COMMAND:
		t->state = b == SE ? TELNET_DATA : TELNET_SUB;
		return 0;
	default:
		t->state = b == IAC ? TELNET_COMMAND : TELNET_DATA;
		return b != IAC;
	}
}

size_t telnet_filter(struct telnet *t, char *buf, size_t len, struct str *reply)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++)
		if (telnet_byte(t, (unsigned char)buf[i], reply))
			buf[kept++] = buf[i];
	return kept;
}

/* -- addresses -- */

enum remote_address remote_console_sort(const struct remote_board *r, const char **ret_rest)
{
	static const struct {
		const char *scheme;
		enum remote_address sort;
	} schemes[] = {{"tcp://", REMOTE_AT_TCP},
		       {"telnet://", REMOTE_AT_TELNET},
		       {"unix:", REMOTE_AT_UNIX}};
	const struct strv *c = &r->commands[REMOTE_CMD_CONSOLE];

	*ret_rest = c->items[0];
	if (c->count > 1)
		return REMOTE_AT_COMMAND;
	for (size_t i = 0; i < array_len(schemes); i++) {
		*ret_rest = str_skip(c->items[0], schemes[i].scheme);
		if (*ret_rest)
			return schemes[i].sort;
	}
	*ret_rest = c->items[0];
	return str_skip(c->items[0], "/dev/") ? REMOTE_AT_TTY : REMOTE_AT_COMMAND;
}

int remote_host_port(const char *text, char **ret_host, char **ret_port)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	uint64_t port;

	if (!len || str_u64(colon + 1, &port) || !port || port > 65535)
		return 1;
	if (text[0] == '[' && text[len - 1] == ']')
		*ret_host = xstrndup(text + 1, len - 2);
	else
		*ret_host = xstrndup(text, len);
	*ret_port = xstrdup(colon + 1);
	return 0;
}

/* -- opening -- */

/* connect(2) with an end. 0, or -1 with errno. */
static int connect_in_time(int fd, const struct sockaddr *at, socklen_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int why = 0;
	socklen_t size = sizeof(why);

	if (connect(fd, at, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -1;
	if (poll(&p, 1, CONNECT_MS) == 0)
		why = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) < 0)
		return -1;
	errno = why;
	return why ? -1 : 0;
}

static int open_socket(const struct sockaddr *at, socklen_t len, int *ret_fd)
{
	int fd cleanup_fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect_in_time(fd, at, len) < 0)
		return -1;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int open_host(const char *text, int *ret_fd, struct err **err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	char *host cleanup_free = NULL, *port cleanup_free = NULL;
	struct addrinfo *all = NULL;
	int rc;

	if (remote_host_port(text, &host, &port))
		return err_set(err, E_REMOTE_BOARD, "'%s' is not HOST:PORT", text);
	rc = getaddrinfo(host, port, &hints, &all);
	if (rc)
		return err_set(err, E_BOARD_OFF, "%s", gai_strerror(rc));
	rc = -1;
	for (const struct addrinfo *a = all; a && rc < 0; a = a->ai_next)
		rc = open_socket(a->ai_addr, a->ai_addrlen, ret_fd);
	if (rc < 0)
		err_set(err, E_BOARD_OFF, "%s", strerror(errno));
	freeaddrinfo(all);
	return rc;
}

static int open_unix(const char *path, int *ret_fd, struct err **err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(err, E_REMOTE_BOARD, "the path of a socket has 107 bytes at most");
	memcpy(at.sun_path, path, strlen(path) + 1);
	if (open_socket((const struct sockaddr *)&at, sizeof(at), ret_fd) < 0)
		return err_set(err, E_BOARD_OFF, "%s", strerror(errno));
	return 0;
}

static speed_t speed_of(unsigned baud)
{
	static const struct {
		unsigned baud;
		speed_t speed;
	} known[] = {{9600, B9600},       {19200, B19200},     {38400, B38400},
		     {57600, B57600},     {115200, B115200},   {230400, B230400},
		     {460800, B460800},   {921600, B921600},   {1000000, B1000000},
		     {1500000, B1500000}, {2000000, B2000000}, {3000000, B3000000}};

	for (size_t i = 0; i < array_len(known); i++)
		if (known[i].baud == baud)
			return known[i].speed;
	return B0;
}

/* Raw, 8N1, without flow control; what came before is thrown away. */
static int open_tty(const char *path, unsigned baud, int *ret_fd, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios t;

	if (fd < 0 || tcgetattr(fd, &t) < 0)
		return err_set(err, E_BOARD_OFF, "%s", strerror(errno));
	if (speed_of(baud) == B0)
		return err_set(err, E_REMOTE_BOARD, "'baud' cannot be %u", baud);
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS | HUPCL);
	if (cfsetspeed(&t, speed_of(baud)) < 0 || tcsetattr(fd, TCSANOW, &t) < 0)
		return err_set(err, E_BOARD_OFF, "%s", strerror(errno));
	(void)!tcflush(fd, TCIFLUSH);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int remote_console_open(const struct remote_board *r, int errfd, struct remote_console *ret,
			struct err **err)
{
	const char *at;
	enum remote_address sort = remote_console_sort(r, &at);
	int rc = 0;

	*ret = (struct remote_console){.fd = -1, .is_telnet = sort == REMOTE_AT_TELNET};
	switch (sort) {
	case REMOTE_AT_TCP:
	case REMOTE_AT_TELNET:
		rc = open_host(at, &ret->fd, err);
		break;
	case REMOTE_AT_UNIX:
		rc = open_unix(at, &ret->fd, err);
		break;
	case REMOTE_AT_TTY:
		rc = open_tty(at, r->baud, &ret->fd, err);
		break;
	case REMOTE_AT_COMMAND:
		return remote_start(r, REMOTE_CMD_CONSOLE, NULL, errfd, &ret->pid, &ret->fd, err);
	}
	if (rc < 0)
		return err_wrap(err, "board '%s': cannot open its console %s", r->name,
				r->commands[REMOTE_CMD_CONSOLE].items[0]);
	return 0;
}
