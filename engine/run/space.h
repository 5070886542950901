/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Disk space: whether a build can fit, from what each node's outputs took the last time or, for a
 * node that was never built, from the guess of its kind (struct demand).
 */
#include "graph/graph.h"

/* Left free on the store's file system, whatever a build needs. */
#define SPACE_RESERVE (64ull * 1024 * 1024)

/* Bytes that the wanted nodes which have not settled will add to the store. */
int space_needed(const struct graph *g, struct store *s, uint64_t *ret_bytes,
		 struct err **err) warn_unused;
/* ERR_RESOURCE with the numbers when NEEDED bytes and the reserve are clearly not free. */
int space_check(struct store *s, uint64_t needed, struct err **err) warn_unused;
/* Whether the disk is as good as full: an unclear failure is then the disk's fault. */
bool space_is_out(struct store *s);
