/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Packages of one's own that a lock has to go with (`debs:` of kind debian): what nodes make of
 * them is built first.
 */
#include "cli/session.h"
#include "kinds/debian/relock.h"

/*
 * Adds those of N, a node with a lock, and of the nodes that it builds on; found as a build finds
 * them. What nodes make is built at once, and says what it does on stderr, as `orch build` does;
 * *RET_CODE: its exit code.
 */
int lock_debs_gather(const struct session *s, const struct node *n, struct relock_words *ret,
		     int *ret_code, struct err **err) warn_unused;
void lock_debs_clear(struct relock_words *w);
