/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a reference means: a node, an output, a place inside a tree, or a
 * path. Used by graph.c only.
 */
#include "graph/graph.h"

struct resolver {
	struct graph *g;
	int dirfd; /* the project's root */
	struct err_list *errors;
	struct strs secrets;  /* project paths that nobody may read */
	unsigned suggestions; /* names looked for so far: a wrong project must not take forever */
};

/*
 * Resolves REF, which stands under OPTION in the recipe of N, and fills its type, node, output and
 * inside; *ret is the edge it makes. 0, or 1 after an error.
 */
int resolve_ref(struct resolver *r, const char *option, struct ref *ref, struct edge *ret);
