/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What gc weighs against each other: everything in the store that can be made or fetched again. */
#include "store/inventory.h"

/* In the order in which things used on the same day are kept. */
enum gc_kind {
	GC_RECORD,   /* with its blobs, log and file */
	GC_DOWNLOAD, /* a fetched file */
	GC_ROOT,     /* an unpacked tree; only as long as the tree is there */
	GC_LISTS,    /* package lists of one project */
	GC_CACHE,    /* what the builds of one project keep */
	GC_LEFTOVER, /* of failed nodes, or damaged */
};
/* What the build that goes on has to do with it. */
enum gc_level {
	GC_PLAIN = 1,
	GC_LIKELY, /* goes last */
	GC_NEEDED, /* stays, whatever the limit */
};
struct gc_item {
	enum gc_kind kind;
	enum gc_level level;
	struct inventory_record *rec; /* of GC_RECORD */
	const char *path, *what;      /* of the others: absolute; for people */
	int64_t used;                 /* day since 1970 */
	uint64_t bytes; /* on the disk; of a record what it does not share, when kept */
	bool kept;
};
DEFINE_VEC(gc_items, struct gc_item)

/* All of it; the names of records' logs and of those of history are in v->names after it. */
int gc_collect(struct store *s, struct inventory *v, struct gc_items *ret,
	       struct err **err) warn_unused;
/* Whether it is only the lock or the seal beside an unpacked tree: not worth a line. */
bool gc_is_note(const struct gc_item *item);
/* Sets the level of what a build needs. */
void gc_protect(struct inventory *v, struct gc_items *items, const struct store_needs *needs);
/* Bytes of what gc does not remove: the database, the logs of history, work directories. */
uint64_t gc_fixed(const struct store *s, const struct inventory *v);
/* Marks what stays within LIMIT bytes (0: all that is of use), newest use first; their sum. */
uint64_t gc_choose(struct store *s, struct inventory *v, struct gc_items *items, uint64_t limit);
