/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The line format of manifests and worker frames: words parted by one space, each either bare
 * ([!-~] without quotation mark) or written by str_quote().
 *
 *	const char *p = text;
 *	while ((rc = line_read(arena, &p, end, &w)) == 0)
 *		if (line_is(&w, "input", 4)) ... w.items[1] ...
 */
#include "base/str.h"
#include "base/vec.h"

struct line {
	const char **items; /* unquoted; live in the arena */
	size_t count;
};

/*
 * Reads the line at *P (text ends at END) and moves *P after its newline. 0; 1 at END; -1 when the
 * line is malformed (bad quoting, a NUL, an empty word, no newline); *P stays then.
 */
int line_read(struct arena *arena, const char **p, const char *end, struct line *ret);
/* Whether the first word is NAME and there are COUNT words in all. */
bool line_is(const struct line *w, const char *name, size_t count);
