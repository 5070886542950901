/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What can be said of a lock without asking an archive (relock.h asks them).
 */
#include "recipe/recipe.h"

/* Whether this node has a lock at all (its kind is 'debian'). */
bool lock_applies(const struct recipe *r);
/*
 * Adds an error (exit 2, naming `orch lock`) when R has no lock, one that does not answer it, or
 * one of which something is lost: each word of the recipe has its `want` line, and from these
 * NEEDS leads to every line and to no other. Archives of the lock are in project.yaml as they were;
 * others may come and go. Needs no network.
 */
void lock_check(struct arena *arena, const struct project *p, const struct recipe *r,
		struct err_list *errors);
