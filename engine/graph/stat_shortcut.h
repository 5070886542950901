/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The short way to "nothing to do". After a run in which every node was cached or built, a large
 * project remembers what stat(2) says of every file the run depended on: recipes and what they
 * extend, inputs, host tools, blobs, and the copies in out/. If the next request is the same and
 * all of that is unchanged, the answer is too, without reading a recipe.
 *
 * It only ever says "the same as last time"; whatever differs (a touch too) takes the long way,
 * which decides by content. A file that changed within the run's last moments, by the granularity
 * of the clock, is not trusted: the snapshot is not kept then (git's racy-timestamp rule). Nor is a
 * snapshot whose sum is wrong: the disk under the store is trusted with nothing.
 *
 * The price: a second road to an answer, and stat(2) as the judge on it. Bytes that change while
 * device, inode, mode, size, time of change and time of status change stay, to the nanosecond, are
 * not seen: a bit that flips on the disk, or what root does with the clock. They are seen where it
 * matters, when bytes are handed out (store/blob.h); this road hands out none. What it buys stands
 * in docs/bench.md; without it every no-op reads all recipes and looks every key up.
 */
#include "graph/graph.h"

struct stat_shortcut_request {
	const char *project_dir; /* absolute */
	const char *text;        /* what was asked: targets and overrides; compared as a whole */
	int64_t started_ns;      /* CLOCK_REALTIME when the run began, before anything was read */
};

/* 0: nothing changed, and what stat_shortcut_save() was given is appended to *RET; 1: unknown. */
int stat_shortcut_check(struct store *s, const struct stat_shortcut_request *req, struct str *ret,
			struct err **err) warn_unused;
/* The same for a snapshot whose head and sum are right, of the BODY_LEN bytes after them. */
int stat_shortcut_read(const char *project_dir, const char *cas_dir, const char *body,
		       size_t body_len, struct str *ret) warn_unused;
/*
 * Remembers the state after a run in which all wanted nodes are settled with a record. EXTRA: more
 * files, relative to the project, that this run may have written itself (out/). ANSWER: for the
 * caller.
 */
int stat_shortcut_save(const struct graph *g, struct store *s,
		       const struct stat_shortcut_request *req, const struct strv *extra,
		       const struct str *answer, struct err **err) warn_unused;
