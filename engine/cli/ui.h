/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Sinks: who listens to the scheduler. The build command puts several behind one tee; the first is
 * always the tally, which remembers what came of each node for the summary, the run history and
 * --result-json.
 */
#include <jansson.h>

#include "cli/cli.h"
#include "run/sched.h"

/* What came of one node. */
struct outcome {
	const char *status; /* "built", "cached", "failed", "skipped"; NULL: not reached */
	double seconds;
	struct digest log; /* zeros: none */
	char *error;       /* or NULL */
	const char *code;  /* of a failure, or NULL */
	char *text;        /* of a failure: ERROR without place and code; or NULL */
	char *file;        /* where in the project, or NULL */
	unsigned line, col;
	char *log_path;   /* of a failure, or NULL */
	bool shared;      /* cached: its record came from a shared cache */
	uint64_t fetched; /* bytes that moved for its outputs */
};

struct tally {
	struct sink sink;
	struct outcome *nodes; /* by node index */
	size_t count;
	size_t *failed; /* node indexes in the order of failure */
	size_t failed_count;
};
void tally_init(struct tally *t, const struct graph *g);
void tally_release(struct tally *t);

#define TEE_MAX 8 /* of a build: counts, history, timing, provenance, progress, events */
struct tee {
	struct sink sink;
	struct sink *to[TEE_MAX];
	size_t count;
};
void tee_init(struct tee *t);
void tee_add(struct tee *t, struct sink *to);

/*
 * Plain text on stderr: a line when a node starts and when it ends, and a line every 30 s for what
 * is still running. Output of nodes is never mixed in: in a CI the log of a node that was built is
 * printed as one block.
 */
struct ui_plain;
struct ui_plain *ui_plain_new(const struct cli *c, const struct graph *g);
struct sink *ui_plain_sink(struct ui_plain *ui);
void ui_plain_free(struct ui_plain *ui);

/*
 * The view on a terminal: what has ended scrolls away as lines, below them a region shows the run
 * and each running node with the last line of its log (progress_layout.h, terminal.h). It is drawn
 * on events, at most each UI_TTY_MS; whoever runs the scheduler has it send ticks that often.
 */
#define UI_TTY_MS 100
struct ui_tty;
struct ui_tty *ui_tty_new(const struct cli *c, const struct graph *g);
struct sink *ui_tty_sink(struct ui_tty *ui);
void ui_tty_free(struct ui_tty *ui);

/* Which CI reads what is printed, as it says itself in the environment. */
enum ci { CI_NONE, CI_GITHUB, CI_GITLAB, CI_OTHER };
enum ci ui_ci(void);
/*
 * The log of the node that EV says was built, on stderr, each line after its name; folded away
 * where the CI can do that. Of a long one the end. Nothing where no CI reads.
 */
void ui_block(enum ci ci, const struct event *ev);

/* Which of them --progress asks for, with "auto" and a "tty" that cannot be decided. */
enum progress ui_mode(const struct cli *c);
/*
 * The ends of the logs of failed nodes, on stderr: last, where a reader of a CI log looks for them;
 * in a CI more of each.
 */
void ui_failures(const struct cli *c, const struct graph *g, const struct tally *tally);

/*
 * One JSON object a line: {"v":1,"t":SECONDS,"event":"node_start","node":...}. Events: run_start
 * (total), estimate (nodes, never_built, estimate_s, disk_bytes), node_start (reason, log),
 * node_progress (percent, text), node_hit, node_built (seconds, log), node_failed (seconds, error,
 * log), node_skipped (text), warning (text), note (text), stopping, run_end. A log is the path of a
 * file; that of a running node grows.
 */
struct ui_json;
struct ui_json *ui_json_new(FILE *to);
struct sink *ui_json_sink(struct ui_json *ui);
void ui_json_free(struct ui_json *ui);

/*
 * What --result-json writes and build --json prints: {"v":1, "ok", "wall_s", "nodes": [{"name",
 * "kind", "status", "key", "seconds", "outputs", "error"?}]} for every node that was wanted.
 */
json_t *result_object(const struct graph *g, const struct tally *tally, double wall_s, bool ok);
/* The same for a run that never began: no nodes, and why. */
json_t *result_refused(const char *text);
/* Writes OBJECT, which it frees. */
int result_write(const char *path, json_t *object, struct err **err) warn_unused;
/* Any text that somebody asked for in a file; PATH may be a pipe. */
int result_write_text(const char *path, const struct str *text, struct err **err) warn_unused;
/* Before hours of work: whether result_write() can write there. */
int result_check(const char *path, struct err **err) warn_unused;
