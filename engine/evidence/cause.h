/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What may have made two builds of one thing differ, guessed from the bytes of a file that differs:
 * where a path of one of the builds stands in it, where the same lines or bytes are there in
 * another order, where what differs looks like a time, and where it is how many processors each
 * build had.
 */
#include <stddef.h>
#include <stdint.h>

enum cause {
	CAUSE_UNKNOWN, /* randomness, or anything else that is another each time */
	CAUSE_PATH,
	CAUSE_ORDER,
	CAUSE_TIME,
	CAUSE_PROCESSORS
};

struct cause_side {
	const char *data;
	size_t len;
	const char *path;    /* where this build stood: a directory; or NULL */
	int64_t from, until; /* when it ran, seconds since 1970; 0, 0: not known */
	unsigned cpus;       /* that it ran on; 0: not known */
};

/* Of two files that are not equal. */
enum cause cause_guess(const struct cause_side *a, const struct cause_side *b);
/* "time", "order", "path", "number of processors", "randomness?" */
const char *cause_word(enum cause c);
/* Where they differ first. */
size_t cause_place(const struct cause_side *a, const struct cause_side *b);
