/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the user is told. The scheduler calls a sink; plain text, JSON lines and the view on a
 * terminal are sinks of the same events. The run history (store_run_*) is written by cli from these
 * events: it knows the targets as given and the exit code.
 */
#include "graph/graph.h"

enum event_type {
	EVENT_RUN_START, /* .total */
	/*
	 * Before the first node starts: .total may run, .jobs at once; .seconds of time, which is a
	 * guess for the .unknown of them that were never built; .bytes of disk.
	 */
	EVENT_ESTIMATE,
	EVENT_NODE_START,    /* .node, .text: why it runs, .log_path: where its log grows */
	EVENT_NODE_PROGRESS, /* .node .percent (-1: unknown) .text .bytes: downloaded so far */
	EVENT_NODE_HIT,     /* .node .shared: its record came from a shared cache, .text: of whom */
	EVENT_NODE_BUILT,   /* .node .seconds .log */
	EVENT_NODE_FAILED,  /* .node .seconds .err .log .log_path */
	EVENT_NODE_SKIPPED, /* .node .text: which input failed */
	EVENT_WARNING,      /* .text; .node may be NULL */
	EVENT_NOTE,         /* .text: what was removed from the store */
	/*
	 * Bytes of output .text of .node come from a shared cache, or its result goes there (.up):
	 * when it begins, about once a second, and at its end (.done or .failed). .bytes that moved
	 * on the way, .total_bytes of the artifacts, .seconds.
	 */
	EVENT_TRANSFER,
	EVENT_STOPPING, /* nothing more is started: a signal came, or a node failed */
	EVENT_TICK, /* each sched_opts.tick_ms while nodes run, so that sinks can show what runs */
	EVENT_RUN_END,
};

struct event {
	enum event_type type;
	const struct node *node;
	const char *text;
	int percent;
	double seconds;
	const struct err *err;
	struct digest log;    /* of the node's log, stored already (store_log_put); zeros: none */
	const char *log_path; /* where it lies */
	size_t total, unknown;
	unsigned jobs;
	uint64_t bytes, total_bytes;
	bool shared, up, done, failed;
};

struct sink {
	void (*event)(struct sink *self, const struct event *ev);
};
