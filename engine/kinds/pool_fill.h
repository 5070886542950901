/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Filling a pool (package_pool.h), one process at a time. A file gets its name when it is whole and
 * on the disk, and keeps it; only one that is damaged is replaced.
 *
 *	struct pool_fill f cleanup_pool_fill = POOL_FILL_INIT;
 *	pool_fill_open(arena, "/work/product", "pool", &f, err);
 *	if (pool_fill_look(&f, &digest, size) != POOL_WHOLE) {
 *		...download to pool_fill_part(&f, &digest)...
 *		pool_fill_keep(&f, &digest, err);
 *	}
 *	pool_fill_name(&f, "hello", "hello_2.10-3_amd64.deb", &digest, err);
 *	pool_fill_sync(&f, err);
 */
#include "kinds/package_pool.h"

#define POOL_PARTS ".parts" /* what is being written, and the lock; not part of what a pool holds */

struct pool_fill {
	struct arena *arena;
	const char *dir; /* absolute */
	int lock;
	bool touched[256]; /* by the first byte of digests: directories to be synced */
};
#define POOL_FILL_INIT     \
	{                  \
		.lock = -1 \
	}

enum pool_state { POOL_ABSENT, POOL_WHOLE, POOL_DAMAGED };

/*
 * Makes TOP/REL, a project path in the directory TOP, a pool, and waits for others who fill it.
 * What they left unfinished is gone. REL NULL: TOP itself, in a directory that is there.
 */
int pool_fill_open(struct arena *arena, const char *top, const char *rel, struct pool_fill *ret,
		   struct err **err) warn_unused;
/* Reads the whole file. SIZE: bytes. */
enum pool_state pool_fill_look(const struct pool_fill *f, const struct digest *d, uint64_t size);
/* Where the file of digest D is to be written; arena. */
const char *pool_fill_part(const struct pool_fill *f, const struct digest *d);
/* What was written there, of which the caller knows the digest, is the pool's now. */
int pool_fill_keep(struct pool_fill *f, const struct digest *d, struct err **err) warn_unused;
/*
 * Links by-name/.../SOURCE/FILE to it. A file of that name with other bytes keeps it; this one then
 * has the first digits of its digest behind. A file system without links has no names.
 */
int pool_fill_name(const struct pool_fill *f, const char *source, const char *file,
		   const struct digest *d, struct err **err) warn_unused;
/* What by-name/.../SOURCE/FILE leads to, absolute, or NULL when it is not there; arena. */
const char *pool_fill_named(const struct pool_fill *f, const char *source, const char *file);
/* All that was kept is on the disk under its name. */
int pool_fill_sync(const struct pool_fill *f, struct err **err) warn_unused;
void pool_fill_close(struct pool_fill *f);
#define cleanup_pool_fill __attribute__((cleanup(pool_fill_close)))
