/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * How a run looks at the bottom of a terminal: from what is known of it and the size of the screen
 * to lines, without any effect. One line for the run, one for each running node, oldest first:
 *
 *	[######-----.......]  6/17  2 running  1 m 05 s  ~2 m 00 s left  12.0 MiB at 3.1 MiB/s
 *	  base    48 s of 1 m 10 s    63 %  Setting up systemd (257.9-1~deb13u1)
 *	  kernel  12 s of ~3 m 00 s          CC      drivers/mmc/core/mmc.o
 *
 * No line is wider than the screen less one column, so that none wraps; what does not fit goes, the
 * least needed first. No more lines are made than leave room for the cursor and a line of what
 * scrolls; nodes that have none are counted. A guess is marked '~'.
 */
#include "base/str.h"
#include "cli/paint.h"

struct view_node {
	const char *name;
	double seconds;   /* since it started */
	double usual;     /* seconds that it takes; negative: unknown */
	bool guessed;     /* USUAL is no measure of this node */
	int percent;      /* -1: unknown */
	const char *text; /* clean, on one line: the last of its log; or NULL */
};

struct view {
	size_t done, total; /* nodes, cached ones among them */
	size_t failed;
	bool stopping;                 /* nothing more is started */
	double elapsed, left;          /* seconds; left is negative while nobody knows */
	bool guessed;                  /* LEFT rests on a guess */
	uint64_t loaded, rate;         /* downloads of running nodes: bytes, and bytes per second */
	const struct view_node *nodes; /* running */
	size_t node_count;
};

struct screen {
	unsigned columns, rows;
	bool utf8;
	const struct paint *paint;
};

/* Appends the lines, each ended by a newline. */
void progress_layout(const struct view *v, const struct screen *s, struct str *ret);
/* "48 s", "2 m 05 s": str_seconds() without tenths, which would only flicker; caller frees. */
char *text_age(double seconds);
/* "48.2 s" of what was measured, "~48 s" of a guess; caller frees. */
char *text_estimate(double seconds, bool guessed);
/*
 * Appends of TEXT, which is clean, what fits COLUMNS; what is cut off is marked. Where the screen
 * knows no UTF-8, other characters than ASCII become '?'. Returns the columns that were used.
 */
unsigned text_cut(struct str *to, const char *text, unsigned columns, bool utf8);
