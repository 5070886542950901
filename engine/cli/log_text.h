/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What nodes printed, made readable and harmless: logs are foreign text (docs/security.md).
 *
 * A line is what a terminal would have left of it: what follows the last carriage return that
 * something follows, without sequences that colour text or move the cursor, tabs filled to columns
 * of 8. The rest is escaped by str_escape().
 */
#include <stdio.h>

#include "base/str.h"

/* Appends one line, which has no newline. */
void log_line(struct str *to, const char *text, size_t len);
/* Prints text of several lines; each gets PREFIX in front and ends with a newline. */
void log_print(FILE *to, const char *prefix, const char *text, size_t len);

/* The end of a log. */
struct log_tail {
	struct str buf;
	const char *text; /* in BUF */
	size_t len;
	bool whole; /* nothing comes before it */
};
#define LOG_TAIL_INIT           \
	{                       \
		.buf = STR_INIT \
	}
/*
 * The last MAX_LINES lines of the file at PATH, as far as they lie within its last MAX_BYTES. False
 * when it cannot be read.
 */
bool log_tail_read(struct log_tail *t, const char *path, size_t max_lines, size_t max_bytes);
void log_tail_release(struct log_tail *t);
#define cleanup_log_tail __attribute__((cleanup(log_tail_release)))

/*
 * Puts the last line of the log open as FD that is not empty into RET, cleaned. Looks at its last
 * 4 KiB alone. False when there is none.
 */
bool log_last_line(int fd, struct str *ret);
