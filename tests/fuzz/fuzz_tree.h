/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Trees that were read from foreign bytes. */
#include "fuzz.h"
#include "media/tree/tree.h"

#define FUZZ_EPOCH 1700000000

/* Touches everything of T; no path leads out of it. */
static inline void fuzz_look(struct tree *t)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		const struct tree_inode *n = entries[i]->inode;
		char buf[4096];
		size_t len = n->size < sizeof(buf) ? (size_t)n->size : sizeof(buf);

		assert(entries[i]->path[0] != '/' && !strstr(entries[i]->path, "/../"));
		assert(!str_skip(entries[i]->path, "../") && !str_ends(entries[i]->path, "/.."));
		if (!S_ISREG(n->mode) || !len)
			continue;
		tree_inode_read(n, 0, buf, len);
		tree_inode_read(n, n->size - len, buf, len);
	}
}
