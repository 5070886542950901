/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Locks: recipes/NODE.lock pins what the packages of a 'debian' node resolve to. Only this asks the
 * archives; a build uses the lock and nothing else.
 */
#include "recipe/recipe.h"

struct lock_opts {
	bool update; /* take current versions; else keep what is locked as far as it answers */
	const char *package; /* with update: only this package; NULL: all */
	bool offline;        /* make no connection: ERR_NET when the lists are not at hand */
	size_t *named;       /* with PACKAGE: counts the nodes whose old lock has it; may be NULL */
	const char *cache_dir; /* absolute: where lists and indexes may be kept */
};

/* Whether this node has a lock at all (its kind is 'debian'). */
bool lock_applies(const struct recipe *r);
/*
 * Resolves R, writes its lock when it changed, and appends to REPORT one line per package that
 * came, went or moved ("+ rauc 1.13-1", "- foo 2", "~ dbus 1.16.0-1 -> 1.16.2-2"); nothing when it
 * did not change. A node it builds on (`from:`) must be locked already. Returns 0, or -1.
 */
int lock_resolve(struct arena *arena, const struct project *p, const struct recipe *r,
		 const struct lock_opts *opts, struct str *report, struct err **err) warn_unused;
/* Adds an error (exit 2, naming `orch lock`) when R has no lock or one that does not answer it. */
void lock_check(struct arena *arena, const struct project *p, const struct recipe *r,
		struct err_list *errors);
