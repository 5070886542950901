/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The console of a remote board, opened for reading lines. `console` of its configuration is
 *
 *	tcp://HOST:PORT      bytes as they come, as ser2net's "raw"
 *	telnet://HOST:PORT   what ser2net, terminal servers and QEMU call telnet
 *	unix:/PATH           a socket
 *	/dev/PATH            a serial line of this machine, 8N1 at `baud`
 *	PROGRAM ARG...       a command; its output is the console
 */
#include "machine/board/remote_board.h"

/* What telnet puts between the bytes of the console (RFC 854). */
struct telnet {
	int state;
	unsigned char verb;
};
/*
 * Leaves the console's bytes in BUF and returns how many; the answers to what the other side asks
 * for, all of them refusals, are appended to REPLY.
 */
size_t telnet_filter(struct telnet *t, char *buf, size_t len, struct str *reply);

struct remote_console {
	int fd;
	pid_t pid; /* of a command; 0: none */
	bool is_telnet;
	struct telnet telnet;
};
enum remote_address {
	REMOTE_AT_TCP,
	REMOTE_AT_TELNET,
	REMOTE_AT_UNIX,
	REMOTE_AT_TTY,
	REMOTE_AT_COMMAND
};
/* What sort of console it is; *RET_REST is the text behind the scheme. */
enum remote_address remote_console_sort(const struct remote_board *r, const char **ret_rest);
/* "HOST:PORT", "[::1]:PORT" in its parts, which the caller frees; 1: TEXT is not one. */
int remote_host_port(const char *text, char **ret_host, char **ret_port);

/* Opens it. ERRFD: for what a command says on stderr. */
int remote_console_open(const struct remote_board *r, int errfd, struct remote_console *ret,
			struct err **err) warn_unused;
