/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What takes the room in a tree, by package and by directory, and what grew against another one.
 * Each file counts once, however many names it has, so that both tables sum up to the same total.
 *
 *	struct sizes z = {.arena = arena, .compared = true};
 *	sizes_count(&z, SIZES_NOW, now, "");
 *	sizes_count(&z, SIZES_BEFORE, before, "");
 *	list = sizes_sorted(&z, &z.packages, &count);
 */
#include "base/map.h"
#include "media/tree/tree.h"

enum { SIZES_NOW, SIZES_BEFORE, SIZES_SIDES };

struct size_group { /* a package, a directory, or all */
	const char *name;
	uint64_t bytes[SIZES_SIDES], files[SIZES_SIDES];
};

struct sizes {
	struct arena *arena;
	bool compared; /* there is a SIZES_BEFORE */
	bool packages_known[SIZES_SIDES];
	struct size_group total;
	struct map packages, directories; /* name -> struct size_group * */
};

/* Adds what T has below TOP ("", "usr/lib"). The user fields of its inodes are changed. */
void sizes_count(struct sizes *z, unsigned side, struct tree *t, const char *top);
/*
 * Adds to RET the names of packages that have lists of files; user of an inode becomes the index +
 * 1 there of the one that owns it, else 0.
 */
void sizes_note_packages(struct arena *arena, struct tree *t, struct strs *ret);
/* Bytes; less than 0: it shrank. */
int64_t sizes_grown(const struct size_group *g);
/* The groups of M, the heaviest first; of a comparison those that differ. Heap. */
struct size_group **sizes_sorted(const struct sizes *z, const struct map *m, size_t *ret_count);
/* Whether all sides have dpkg's lists: else nothing can be said by package. */
bool sizes_have_packages(const struct sizes *z);
void sizes_clear(struct sizes *z);
