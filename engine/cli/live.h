/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What is known of a run while it goes on, gathered from the scheduler's events: which nodes run
 * and since when, how far they are, and how long the rest may take. Sinks that show it hand on what
 * they hear:
 *
 *	struct live live;
 *	live_init(&live, graph);
 *	live_event(&live, ev);           // first in the sink's event()
 *	...
 *	live_release(&live);
 */
#include "cli/paint.h"
#include "run/event.h"

struct live_node {
	const struct node *node;
	uint64_t since_ms; /* clock_ms() */
	int percent;       /* -1: unknown */
	char *text;        /* last progress, or NULL */
	char *log_path;    /* where its log grows, or NULL */
	uint64_t loaded;   /* bytes that it downloaded */
	void *own;         /* the sink's; released by free_own() */
};
DEFINE_VEC(live_nodes, struct live_node *)

struct live {
	const struct graph *graph;
	uint64_t began_ms; /* clock_ms() */
	size_t total, done, failed;
	size_t width;              /* columns of a node's name in lists */
	unsigned jobs;             /* nodes that run at once; 0: nothing has started yet */
	bool stopping;             /* nothing more is started */
	uint64_t loaded;           /* by nodes that have ended */
	double guessed, measured;  /* seconds of nodes whose time was guessed, and was seen then */
	struct live_nodes running; /* in the order in which they started */
	void (*free_own)(void *own);
};

void live_init(struct live *l, const struct graph *g);
void live_event(struct live *l, const struct event *ev);
struct live_node *live_find(const struct live *l, const struct node *n);
double live_seconds(const struct live_node *n);
/*
 * Seconds that N takes, all in all; *RET_GUESSED: that is no measure of this node. Guesses are
 * scaled by what was seen of others in this run.
 */
double live_usual(const struct live *l, const struct node *n, bool *ret_guessed);
/* Seconds until the run ends, negative: unknown. */
double live_left(const struct live *l, bool *ret_guessed);
void live_release(struct live *l);

/*
 * Appends "[ 3/17] built   NODE  TEXT", without a newline; TEXT, which may be foreign, is escaped.
 * N and TEXT may be NULL.
 */
void live_line(const struct live *l, const struct paint *paint, const char *color, const char *word,
	       const struct node *n, const char *text, struct str *ret);
/*
 * The line about EV where what becomes of nodes is told in lines; nothing is appended for what is
 * not told so. To be called after live_event().
 */
void live_tell(const struct live *l, const struct paint *paint, const struct event *ev,
	       struct str *ret);
