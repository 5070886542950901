/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The order in which dpkg is given packages, in as few calls as Debian Policy 7.2 leaves: all of a
 * step are unpacked, then some are configured; after the last step everything that is left.
 *
 *	step 0 of a new tree	the Essential packages and all they depend on
 *	each further step	packages whose Pre-Depends the steps before it have configured, with
 *				all that those depend on
 *
 * A package is in the first step that can have it, and within a step follows what it depends on;
 * what depends on each other follows names. Alternatives are what a tree has already, else the
 * first that is among the packages, by name or, then, by Provides: of several that provide it the
 * one of the highest Priority, as with apt. A package that the tree has in another version counts
 * as the new one. What nothing provides is left to dpkg to complain about. The plan depends on
 * control data alone, not on the order of the set.
 */
#include "base/vec.h"
#include "media/deb/deb.h"

struct deb_step {
	struct deb_set unpack;    /* borrows from the set */
	struct deb_set configure; /* of this step or an earlier one; of the last step: none */
};
DEFINE_VEC(deb_steps, struct deb_step)

struct deb_plan {
	struct deb_steps steps;
	bool seeded; /* the first step is the one of a new tree */
};

/* STATUS: the text of the tree's /var/lib/dpkg/status, all of it configured; NULL: a new tree. */
void deb_plan_make(const struct deb_set *set, const char *status, struct deb_plan *ret);
void deb_plan_free(struct deb_plan *p);
#define cleanup_deb_plan __attribute__((cleanup(deb_plan_free)))
