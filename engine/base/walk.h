/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Everything below a directory, of any depth: with a bounded number of descriptors, without long
 * paths, never through a link, never onto another file system.
 *
 *	struct walk w = {.how = WALK_FORCE, .entry = unlink_entry};
 *	walk_below(path, &w, err);
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"

/* What becomes of a directory of our own whose mode keeps us out. */
enum walk_how {
	WALK_AS_IT_IS, /* nothing: somebody may be at work in it */
	WALK_OPEN,     /* it has 0700 as long as it is looked at, and then its mode again */
	WALK_FORCE,    /* it has 0700 from then on */
};
struct walk {
	enum walk_how how;
	/*
	 * Called for each entry, for a directory after what is in it; it may remove the entry.
	 * Entries of one directory come in any order. -1 with *ERR ends the walk.
	 */
	int (*entry)(void *arg, int dirfd, const char *name, bool is_dir, struct err **err);
	/*
	 * A directory that cannot be entered, for errno WHY (EXDEV: another file system). 0 goes on
	 * without what is in it, and calls entry() for it; NULL does so, too.
	 */
	int (*shut)(void *arg, const char *name, int why, struct err **err);
	void *arg;
};
/* PATH itself is no entry. ERR_ENV when a directory on the way back is not where it was. */
int walk_below(const char *path, const struct walk *w, struct err **err) warn_unused;
/*
 * Appends the names of what is in the one directory DIR, but those that begin with a dot, in the
 * order of their bytes. ERR_USER when it cannot be read: somebody named it.
 */
int walk_names(const char *dir, struct strv *ret, struct err **err) warn_unused;
