/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Digests of project files by what stat(2) says of them: the whole cache is read once, looked up in
 * memory, and new entries are written in one transaction. Losing entries costs time only.
 *
 * The racy rule (as git's): a file that changed so shortly before it was read that another change
 * could leave the same times is hashed, but not remembered.
 */
#include "store/state.h"

struct statcache;

struct statcache *statcache_new(void);
void statcache_free(struct statcache *c);
int statcache_load(struct statcache *c, struct state *st, struct err **err) warn_unused;
/* Writes what is new. */
int statcache_flush(struct statcache *c, struct state *st, struct err **err) warn_unused;
/* See store_stat_digest(). C must be loaded. */
int statcache_digest(struct statcache *c, int dirfd, const char *rel, const char *abs_key,
		     struct stat *ret_st, struct digest *ret, struct err **err) warn_unused;
/* Whether there is enough to write that it should not wait for the end. */
bool statcache_is_full(const struct statcache *c);
