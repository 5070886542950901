/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * From the pipe that a node prints into to its log file, with a cap: the first LOG_HEAD bytes are
 * written as they come; of what follows the last LOG_TAIL bytes are kept and written at the end,
 * after a line that says how much is missing. The pipe is always emptied, so a node that floods its
 * log is not slowed down, and what it said last, which is why it failed, is there.
 */
#include "base/err.h"
#include <stdint.h>

#define LOG_HEAD (64u * 1024 * 1024)
#define LOG_TAIL (256u * 1024)

struct logpipe {
	int in, out;       /* borrowed; IN is non-blocking */
	uint64_t head_max; /* LOG_HEAD; tests take less */
	uint64_t seen;     /* bytes read so far */
	char *tail;        /* ring of LOG_TAIL bytes, made when needed */
};

void logpipe_init(struct logpipe *l, int in, int out);
/* Empties the pipe as far as it is filled. 0, or 1 when no writer is left. */
int logpipe_pump(struct logpipe *l);
/* Writes the kept tail; to be called once, at the end. */
void logpipe_finish(struct logpipe *l);
