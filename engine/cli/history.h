/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Looking things up in the run history, of the project or of all: see session_open_history(). A run
 * lists its targets and what it built, failed, skipped or found changed in the store.
 */
#include <jansson.h>

#include "cli/session.h"

/*
 * The run TEXT names: its number, or ^N for the N-th before the last (^0). ERR_USER, also for a
 * number of another project's run, unless the session is about all.
 */
int history_run(const struct session *s, const char *text, struct run_info *ret,
		struct err **err) warn_unused;
/* "ok", "failed", "stopped", "killed" or "running" */
const char *history_state(const struct run_info *r);
/* {"name", "root"}, or null. */
json_t *history_project(const struct run_info *r);

/*
 * Calls FN for each node of each run, newest run first, until it returns 1. RUN (text) restricts
 * the search to one run; NULL: all. Strings live in the session's arena. Returns 1 when FN did, 0
 * at the end, -1 on error.
 */
typedef int history_fn(void *arg, const struct run_info *run, const struct run_node *n);
int history_search(const struct session *s, const char *run, history_fn *fn, void *arg,
		   struct err **err) warn_unused;
