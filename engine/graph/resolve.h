/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a reference means: a node, an output, a place inside a tree, or a
 * path. Used by graph.c only.
 */
#include "graph/graph.h"

/* A file or directory that no reference may hand out: a private key, pki/private. */
struct hidden {
	const char *path; /* as it is named, relative to the project's root */
	const char *real; /* the same with every link followed; NULL: not known */
	bool exists;      /* DEV and INO are known */
	dev_t dev;
	ino_t ino;
};
DEFINE_VEC(hidden_list, struct hidden)

struct resolver {
	struct graph *g;
	int dirfd; /* the project's root */
	struct err_list *errors;
	struct hidden_list hidden;
	unsigned suggestions; /* names looked for so far: a wrong project must not take forever */
};

/* PATH (which must live as long as R) is private from now on, under whatever name. */
void resolve_hide(struct resolver *r, const char *path);
/*
 * Resolves REF, which stands under OPTION in the recipe of N, and fills its type, node, output and
 * inside; *ret is the edge it makes. 0, or 1 after an error.
 */
int resolve_ref(struct resolver *r, const char *option, struct ref *ref, struct edge *ret);
/* The edge of a value that a text waits for: 0, or 1 after an error. */
int resolve_value(struct resolver *r, const struct value_ref *value, struct edge *ret);
