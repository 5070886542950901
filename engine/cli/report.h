/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a build leaves for a CI to show: a summary in Markdown, and JUnit's XML. A run that could
 * not begin leaves both, too, with what was wrong.
 */
#include "cli/builder.h"

/* What is told: a run, or why there was none. */
struct report {
	const struct cli *cli;
	const struct graph *graph;     /* NULL: the run did not begin */
	const struct tally *tally;     /* of a graph */
	const struct project *project; /* or NULL */
	struct sched_result result;
	int64_t started_ns; /* CLOCK_REALTIME */
	int code;           /* that orch exits with */
};

/* Appends the summary: Markdown as GitHub and GitLab show it, at most 512 KiB. */
void report_summary(const struct report *r, struct str *to);
/*
 * Appends a document that the schemas of Ant and of Jenkins accept: a suite of scenarios, one of
 * the other nodes, a test case each.
 */
void report_junit(const struct report *r, struct str *to);
/* Writes what --summary, $GITHUB_STEP_SUMMARY and --junit ask for. */
int report_write(const struct report *r, struct err **err) warn_unused;
/* The end of a log, each line cleaned; at most LINES. "" when there is none. */
void report_log_tail(const struct outcome *o, size_t lines, struct str *to);
