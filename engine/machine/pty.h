/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A terminal of its own for foreign code. Whoever holds a terminal can type into it (TIOCSTI) and
 * write to it unescaped, so a shell in a sandbox never gets the user's: it gets the slave of a
 * pseudo-terminal, and a process of ours carries the bytes between the two.
 *
 *	struct pty pty = PTY_INIT;
 *	if (pty_open(STDIN_FILENO, STDOUT_FILENO, &pty, err) < 0)
 *		return -1;
 *	... a session whose controlling terminal is pty.slave (sandbox_opts.terminal) ...
 *	pty_close(&pty);
 *
 * The user's terminal should be raw meanwhile (terminal_lend()): line editing and the keys that are
 * signals are then the pseudo-terminal's.
 */
#include <sys/types.h>

#include "base/err.h"

struct pty {
	int slave;   /* -1: not open */
	pid_t relay; /* the process that carries the bytes */
};
#define PTY_INIT      \
	{             \
		-1, 0 \
	}

/*
 * A pseudo-terminal with the size and settings of the terminal IN. What is typed on IN goes to it,
 * what is written to it goes to OUT; a new size of IN is passed on. The relay ends with its caller,
 * at the latest.
 */
int pty_open(int in, int out, struct pty *ret, struct err **err) warn_unused;
/* Closes our slave and waits until all that was written to it has reached OUT. */
void pty_close(struct pty *p);
