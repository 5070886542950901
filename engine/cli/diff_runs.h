/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Two states of a project, as runs left it or as revisions have it: which results differ. */
#include "base/map.h"
#include "cli/history.h"

#define DIFF_UNBUILT "unbuilt" /* a status beside those of struct run_node */

struct diff_state {
	struct arena *arena;
	struct run_info run;
	const char *commit; /* NULL: of RUN */
	struct map nodes;   /* name -> struct run_node * */
};

/* Every node as of a run: its newest entry in that run or an older one. */
int diff_state_run(const struct session *s, const char *run, struct diff_state *ret,
		   struct err **err) warn_unused;
/* The wanted nodes of a graph that was planned: what the store has for them. */
void diff_state_graph(const struct session *s, const struct graph *g, const char *commit,
		      struct diff_state *ret);
json_t *diff_state_json(const struct diff_state *st);

struct diff_side {
	const struct run_node *n; /* NULL: there was none */
	struct record *rec;       /* NULL: it failed, or its result is no longer in the store */
};

struct diff_node {
	const char *node;
	struct diff_side before, after;
	struct changes packages;
};
DEFINE_VEC(diff_nodes, struct diff_node)

int diff_states(const struct session *s, const struct diff_state *a, const struct diff_state *b,
		struct diff_nodes *ret, struct err **err) warn_unused;
void diff_nodes_print(const struct diff_nodes *list);
json_t *diff_nodes_json(const struct diff_nodes *list);
void diff_nodes_release(struct diff_nodes *list);
