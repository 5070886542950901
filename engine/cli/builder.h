/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A run of the scheduler with everything around it: progress on stderr, events, and the run's place
 * in the history.
 *
 *	struct builder b = {.cli = c, .session = &s};
 *	if (builder_run(&b, &code, &err) == 0)
 *		...                               // b.result, and the records of the nodes
 *	builder_close(&b);
 */
#include "cli/session.h"
#include "cli/timing.h"
#include "cli/ui.h"
#include "run/room.h"

/*
 * The run's place in the history: begun when the first node starts, each node written when it is
 * done. A run in which all nodes are as the last one left them leaves nothing.
 */
struct builder_history {
	struct sink sink;
	struct store *store;
	const struct tally *tally; /* hears of events first */
	char *targets;
	int64_t run; /* 0: not begun */
	struct err *err;
};

struct builder;
/*
 * What is done with the targets' outputs, once they are there. Blobs that turn out to be damaged
 * are put away and counted in *RET_DAMAGED; builder_damaged() tells the user.
 */
typedef int builder_deliver_fn(struct builder *b, size_t *ret_damaged, struct err **err);

struct builder {
	const struct cli *cli;
	struct session *session;     /* its graph selected, its store open */
	bool last;                   /* the store is not used after builder_close() */
	struct sink *also;           /* hears of events, too; or NULL */
	bool modest;                 /* no line of its own before what the nodes say */
	builder_deliver_fn *deliver; /* or NULL */
	struct tee tee;
	struct tally tally;
	enum progress mode;
	struct ui_plain *plain;
	struct ui_tty *tty;
	struct ui_json *json, *events;
	FILE *events_file;
	struct builder_history history;
	struct timing timing;
	struct sched_result result;
	struct room room;
	struct cgroup_run *groups; /* NULL: none */
};

/*
 * Builds the wanted nodes and delivers the targets; again when a blob of theirs is damaged. -1 when
 * the run could not go on; else *RET_CODE is the exit code that its nodes ask for.
 */
int builder_run(struct builder *b, int *ret_code, struct err **err) warn_unused;
/* For a command that fails after builder_run(): the exit code that history gets. */
void builder_failed(struct builder *b, int code);
void builder_damaged(void *arg, const struct node *n, const char *text);
/* A deliver function for who reads the blobs themselves: hashes the outputs of the targets. */
int builder_hash_targets(struct builder *b, size_t *ret_damaged, struct err **err) warn_unused;
/*
 * For commands that need what TARGETS make: opens S, builds them and hashes their outputs. Returns
 * the exit code; what went wrong has been told. S uses C until it is closed.
 */
int builder_targets(const struct cli *c, const struct strv *targets, struct session *s);
/* The same for a command whose first argument is the node that it needs. */
int builder_first(struct cli *c, struct session *s);
/* Shows the ends of the logs of failed nodes, unless stderr is JSON; they are findings. */
void builder_failures(const struct builder *b);
/* Whether progress is not to be shown. */
bool builder_quiet(const struct builder *b);
/* Keeps the user's store-size, too. */
void builder_close(struct builder *b);
