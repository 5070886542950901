/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * When the nodes of a run began and ended, and in which place of those that run at once: heard from
 * events, kept beside the run in the store as JSON, read by `orch timings`. It may be lost (a run
 * that was killed has none); nothing depends on it.
 */
#include "cli/session.h"
#include "run/event.h"
#include "run/sched.h"

struct span {
	const char *node, *kind;
	const char *status;  /* "built", "failed", "cached" by another orch, "stopped" */
	const char *after;   /* the input that ended last in this run, or NULL */
	double began, ended; /* seconds since the run began */
	unsigned lane;       /* from 0 on */
};
DEFINE_VEC(spans, struct span)

/* A node that did not have to run, and the time its record says that took once. */
struct spared {
	const char *node, *kind;
	double seconds;
};
DEFINE_VEC(spareds, struct spared)

/* All strings are the arena's. */
struct timing {
	struct sink sink; /* of a recorder */
	struct arena *arena;
	const struct graph *graph;
	uint64_t start_ms;
	double *ended; /* by node index: when it ended in this run; 0: it did not run */
	unsigned jobs;
	struct spans spans;
	struct spareds spared;
	struct remote_sums remote; /* set before timing_keep() */
};

/* A recorder: T->sink hears of events. ARENA lives as long as T. */
void timing_open(struct timing *t, const struct graph *g, struct arena *arena);
/* Keeps what was heard as that of RUN. The nodes' records must be known. */
int timing_keep(struct timing *t, struct store *s, int64_t run, struct err **err) warn_unused;
/* Reads it into *RET: 0, 1 there is none, -1. */
int timing_load(struct store *s, int64_t run, struct arena *arena, struct timing *ret,
		struct err **err) warn_unused;
void timing_close(struct timing *t);
