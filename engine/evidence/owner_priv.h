/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What owner.c, owner_place.c and owner_work.c share. */
#include "evidence/bill_priv.h"
#include "evidence/owner.h"

struct owner_walk {
	struct owner *o;
	struct bill_reading r;
	bool packages_known; /* a result on the way had dpkg's database */
};

/* A path of what a node made. */
struct owner_at {
	const struct node *node;
	const char *output; /* its name; NULL: the main one */
	const char *path;   /* in the tree, no '/' around it */
	const char *mount;  /* where the tree is in the whole that the recipe describes, "" */
	bool file;          /* it is the output itself, whatever is in that */
	/* NULL: orch cannot look into it, or it is no tree. */
	const struct tree *tree;
	const struct tree_entry *entry;
};

/*
 * Goes on in AT, if it is there and, with ABOVE, the same as that: STEP is on the way then. PART is
 * a partition of what the node made, "root-a/", or "". 0; 1: it is not; -1.
 */
int owner_go(struct owner_walk *w, struct owner_at at, const char *part,
	     const struct owner_at *above, const struct owner_step *step,
	     struct err **err) warn_unused;
void owner_push(struct owner_walk *w, const struct node *n, struct pos pos, const char *fmt, ...)
	printf_like(4, 5);
/* PATH without '/' around it; arena. */
const char *owner_trim(struct owner_walk *w, const char *path);

/* owner_place.c: which partition or image is meant, then owner_go(). */
int owner_enter(struct owner_walk *w, const struct node *n, const char *path,
		struct err **err) warn_unused;
/* owner_work.c: it begins in AT; says how. */
int owner_begins(struct owner_walk *w, const struct owner_at *at, struct err **err) warn_unused;
