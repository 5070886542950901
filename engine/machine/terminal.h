/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The user's terminal, lent to somebody: a guest, or a shell in a sandbox. A process of its own
 * waits for our end and restores the terminal even when we were killed.
 *
 * Foreign bytes reach it as they are meanwhile, and what they make a terminal do stays: it answers
 * questions, reports the mouse, shows another screen. So it is told to stop that when it is
 * restored, and what it answers and what was typed until then is thrown away: it would be typed to
 * the shell that reads next. With TERM unset or "dumb" nothing is sent, and only what has come by
 * then is thrown away.
 *
 *	struct terminal *t = NULL;
 *	if (terminal_lend(STDIN_FILENO, true, &t, err) < 0)
 *		return -1;
 *	...
 *	terminal_restore(t);
 */
#include <stdbool.h>

#include "base/err.h"
#include "machine/board/console.h"

struct terminal;

/*
 * Remembers how FD is. RAW: every key goes to the one who reads it, and no key is a signal. 0; 1
 * when FD is no terminal (nothing is done); -1.
 */
int terminal_lend(int fd, bool raw, struct terminal **ret, struct err **err) warn_unused;
/*
 * As it was before, our process group in front again, and frees T; NULL is fine. It takes as long
 * as the terminal does to answer, half a second where it does not, and ten where it never ends.
 */
void terminal_restore(struct terminal *t);

/*
 * Joins a guest's console, a stream socket, with our stdin and stdout until the process behind it
 * ends, the user asks for it, or a deadline passes. On a terminal bytes go through as they are and
 * Ctrl-A is the way out: then X ends, Ctrl-A sends one, H says so. Without one, stdout gets clean
 * lines (console.h), stdin is sent to the guest until its end, and the end of the reader of stdout
 * ends it all.
 */
enum attach_end {
	ATTACH_GUEST_OFF, /* the process ended by itself */
	ATTACH_USER,      /* Ctrl-A X, or nobody reads stdout any more */
	ATTACH_TIMEOUT,
	ATTACH_SIGNAL, /* *ret_signal */
};
struct attach {
	int console;        /* the socket */
	int process;        /* pidfd of QEMU */
	unsigned timeout_s; /* 0: none */
	/*
	 * A guest that is heard in parts, on a terminal alone: lines go to FN, and markers of
	 * TOKEN, at which it may change *HELD. While that is true nothing else is printed, keys
	 * wait and Ctrl-C is a way out, too; else bytes go through but for the markers. NULL: never
	 * held.
	 */
	const bool *held;
	const char *token;
	console_fn *fn;
	void *arg;
};
/* The process is not touched: ending it is the caller's part. *ret_signal is set for a signal. */
int attach_run(const struct attach *a, enum attach_end *ret, int *ret_signal,
	       struct err **err) warn_unused;
