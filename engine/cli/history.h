/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Looking things up in the run history. A run lists what it built, failed or
 * skipped, and its targets.
 */
#include "cli/session.h"

/* The run TEXT names: its number, or ^N for the N-th before the last (^0). ERR_USER. */
int history_run(const struct session *s, const char *text, struct run_info *ret,
		struct err **err) warn_unused;

/*
 * Calls FN for each node of each run, newest run first, until it returns 1. RUN (text) restricts
 * the search to one run; NULL: all. Strings live in the session's arena. Returns 1 when FN did, 0
 * at the end, -1 on error.
 */
typedef int history_fn(void *arg, const struct run_info *run, const struct run_node *n);
int history_search(const struct session *s, const char *run, history_fn *fn, void *arg,
		   struct err **err) warn_unused;
