/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Trees for tests of writers; after media.h. */
#include "media/tree/tree.h"

/* A new inode of somebody (1000:100000), from before any epoch, at PATH. */
static inline struct tree_inode *add(struct tree *t, const char *path, mode_t mode)
{
	struct err *err = NULL;
	struct tree_inode *n = tree_inode_new(t, mode, 1000, 100000, 1234567890);

	ok(tree_link(t, path, n, 0, &err), &err);
	return n;
}
