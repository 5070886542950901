/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a command is at that is not a run: one line at the bottom of a terminal, which changes while
 * it goes on; without a terminal a line of its own for each thing that is begun, if the command
 * wants that.
 *
 *	struct task t;
 *	task_open(&t, TASK_TERMINAL);
 *	task_begin(&t, "reading back");
 *	task_part(&t, done, total);          // any number of times
 *	task_close(&t);                      // before anything else is printed
 */
#include "cli/cli.h"

enum task_lines {
	TASK_TERMINAL, /* on a terminal alone */
	TASK_ALWAYS,   /* without one a line "TEXT ..." on stderr for each beginning */
};

struct task {
	bool terminal, lines, utf8;
	char *text;
	uint64_t began_ms, drawn_ms; /* clock_ms() */
	uint64_t done, total;        /* bytes; total 0: unknown */
};

void task_open(struct task *t, enum task_lines lines);
/* TEXT, which may be foreign, is on one line. */
void task_begin(struct task *t, const char *text);
/* Drawn at most ten times a second. */
void task_part(struct task *t, uint64_t done, uint64_t total);
/* The line goes away. Whoever prints calls it first; a later task_begin() brings it back. */
void task_pause(struct task *t);
void task_close(struct task *t);
