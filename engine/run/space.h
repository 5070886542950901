/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Disk space: whether a build can fit, from what each node's outputs took the last time or, for a
 * node that was never built, from the guess of its kind (struct demand).
 */
#include "graph/graph.h"

/* Left free on the store's file system, whatever a build needs. */
#define SPACE_RESERVE (64ull * 1024 * 1024)

/* Bytes that nodes will add to the store. */
struct space {
	uint64_t known;   /* of nodes that were built before */
	uint64_t guessed; /* of the others */
};
/* Adds what N will. */
int space_of_node(const struct node *n, struct store *s, struct space *to,
		  struct err **err) warn_unused;
/* Of all wanted nodes that have not settled. */
int space_needed(const struct graph *g, struct store *s, struct space *ret,
		 struct err **err) warn_unused;
/*
 * ERR_RESOURCE with the numbers when NEEDED and the reserve are clearly not free. MORE: what is
 * to be said of it, or "".
 */
int space_check(struct store *s, const struct space *needed, const char *more,
		struct err **err) warn_unused;
/* Whether the disk is as good as full: an unclear failure is then the disk's fault. */
bool space_is_out(struct store *s);
