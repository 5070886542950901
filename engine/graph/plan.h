/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a build would do, without doing it. A node whose inputs are all cached has a key and is hit
 * or miss for a reason; a node after a miss is unknown: it may still turn out unchanged. Reasons
 * and times are those of the project that was entered (store_enter()).
 */
#include "graph/manifest.h"

enum plan_verdict { PLAN_CACHED, PLAN_BUILD, PLAN_MAYBE };

struct plan_node {
	struct node *node;
	enum plan_verdict verdict;
	/* "never built", "option size 4G -> 6G (and 2 more)", "after base", ... */
	const char *reason;
	struct changes changes;
	bool shared;    /* cached: the result is in a shared cache alone */
	bool left;      /* cached: a farm made it, and has bytes that are not here */
	uint64_t fetch; /* bytes of its outputs that are not here */
};
DEFINE_VEC(plan_nodes, struct plan_node)

/*
 * Why N, which has a key and no result in the store, will run: compared with what this project had
 * of it last. A sentence in ARENA; CHANGES get what it sums up, with strings in ARENA.
 */
int plan_reason(struct arena *arena, struct store *s, const struct node *n, struct changes *changes,
		const char **ret, struct err **err) warn_unused;
/* Where the result of KEY comes from: "built in run 7 of /srv/a". In ARENA. */
int plan_origin(struct arena *arena, struct store *s, const struct digest *key, const char **ret,
		struct err **err) warn_unused;
/*
 * The wanted nodes in topological order; one that lacks something (node->lacks) has that as its
 * reason and no key. Sets node keys, manifests and records where known, and estimates unless all
 * are cached (plan_estimate()).
 */
int plan_make(struct graph *g, struct store *s, struct tool_versions *tools, struct plan_nodes *ret,
	      struct err **err) warn_unused;
/*
 * The same, and ASK is asked about nodes that the store does not have: 0, and N has a record whose
 * outputs are shared, *RET_BYTES to fetch and *RET_BY made it (in the graph's arena); 1 nobody has
 * it.
 */
typedef int plan_ask_fn(void *arg, struct graph *g, struct node *n, uint64_t *ret_bytes,
			const char **ret_by);
int plan_make_asking(struct graph *g, struct store *s, struct tool_versions *tools,
		     plan_ask_fn *ask, void *arg, struct plan_nodes *ret,
		     struct err **err) warn_unused;
/* Frees what plan_make put into RET, changes included. */
void plan_release(struct plan_nodes *plan);
/*
 * Fills node->estimate and node->critical of all wanted nodes: from history; of what was never
 * built (node->guessed) from the nodes of its kind that were, else from what the kind says, scaled
 * to this machine.
 */
int plan_estimate(struct graph *g, struct store *s, struct err **err) warn_unused;
/*
 * Seconds until all wanted nodes are done, of which REST, by node index, says how long each still
 * takes: the longest path, or all work shared out to JOBS, whichever is more.
 */
double plan_left(const struct graph *g, unsigned jobs, const double *rest);
