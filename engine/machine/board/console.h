/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a guest prints, made into clean lines and events. Pure: bytes in, callbacks out, no clock
 * and no descriptor, so everything that a guest can print is a unit test.
 *
 * A line is given out when its newline arrives, or at CONSOLE_LINE_MAX bytes. Carriage returns,
 * terminal escape sequences and other control bytes are dropped: what is printed by firmware and
 * boot loaders stays readable in a log. A marker is a line that contains
 *
 *	ORCH-<token> WORD [NUMBER [NUMBER]];
 *
 * where the token is the run's own random number, so no log that a guest prints again, and no other
 * guest, can fake one. Kernel messages may stand before it or after it on the same line.
 */
#include <stdbool.h>

#include "base/str.h"

#define CONSOLE_LINE_MAX 8192

enum console_event {
	CONSOLE_LINE,   /* text: a line, without newline */
	CONSOLE_MARKER, /* text: WORD; numbers in a and b (0 when absent) */
	CONSOLE_PANIC,  /* text: the line in which the kernel gave up */
};
typedef void console_fn(void *arg, enum console_event event, const char *text, long a, long b);

struct console {
	const char *token; /* NULL: no markers */
	console_fn *fn;
	void *arg;
	struct str line;
	bool blank; /* an empty line is held back */
	int escape; /* state inside an escape sequence */
	bool panicked;
};
#define CONSOLE_INIT(token_, fn_, arg_)                                         \
	{                                                                       \
		.token = (token_), .fn = (fn_), .arg = (arg_), .line = STR_INIT \
	}

void console_feed(struct console *c, const void *data, size_t len);
/* Gives out an unfinished last line. */
void console_end(struct console *c);
void console_release(struct console *c);
#define cleanup_console __attribute__((cleanup(console_release)))
