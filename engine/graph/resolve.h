/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a reference means: a node, an output, a place inside a tree, or a path of the project
 * (graph/place.h). Used by graph.c only.
 */
#include "graph/graph.h"
#include "graph/place.h"

struct resolver {
	struct graph *g;
	int dirfd; /* the project's root */
	struct err_list *errors;
	struct hidden_list hidden;
	unsigned suggestions; /* names looked for so far: a wrong project must not take forever */
};

/*
 * Resolves REF, which stands under OPTION in the recipe of N, and fills its type, node, output and
 * inside; *ret is the edge it makes. 0, or 1 after an error.
 */
int resolve_ref(struct resolver *r, const char *option, struct ref *ref, struct edge *ret);
/* The edge of a value that a text waits for: 0, or 1 after an error. */
int resolve_value(struct resolver *r, const struct value_ref *value, struct edge *ret);
