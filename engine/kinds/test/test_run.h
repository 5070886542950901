/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * One run of a scenario: test_run.c makes the card and plays the steps on a stage, test_report.c
 * writes what comes out.
 */
#include <stdio.h>

#include "kinds/test/test_opts.h"
#include "run/action.h"
#include "scenario/stage.h"

struct step_result {
	double seconds;
	bool done;
	bool unseen; /* its look at the card was left out (remote_use.h) */
};

struct test_run {
	struct action *a;
	const struct test_opts *o;
	struct board board;
	struct remote_board remote; /* of a board of machine: remote */
	struct target target;
	struct stage stage;
	struct board_files_carried carried; /* likewise: for its system */
	const char *new_variables;          /* of the board, or NULL */
	FILE *console;
	uint64_t written; /* bytes of console.log */
	struct step_result *results;
	size_t failed; /* number of the failed step, 0: none */
};

/* TEXT for people and their formats: what is not UTF-8 and not text is '?'. Arena. */
const char *test_plain(struct arena *arena, const char *text);
void test_plain_append(struct str *ret, const char *text);
/* A line of the scene, into the node's log as it is, into console.log as plain text. */
void test_console_line(void *arg, enum scene_source source, const char *line);
/* The outputs but console.log and card.img. FAILURE: the message, or NULL. */
int test_report(struct test_run *r, const char *failure, struct err **err) warn_unused;
