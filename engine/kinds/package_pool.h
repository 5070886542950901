/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Pools: directories and web servers that keep what locks pin for longer than archives do, by
 * digest:
 *
 *	POOL/sha256/ab/abcd...	a file, read only
 *	POOL/by-name/h/hello/	links to its packages and sources, as in Debian's own pool;
 *				for people, never read
 *
 * `orch lock` fills them (pool_fill.h), builds read them. What is read is compared with the digest
 * that it is asked by, so a pool need not be trusted.
 */
#include "base/digest.h"
#include "kinds/user_config.h"

/* Those that may have a file; strings and arrays live in the arena. */
struct pools {
	const char **dirs; /* absolute: the project's, then the user's */
	size_t dir_count;
	const char **urls; /* without '/' at the end; user and password may be in them */
	size_t url_count;
	const char **filled; /* of DIRS, those that `orch lock` fills */
	size_t filled_count;
};

/* Whether an item of `pools:` is a URL, not a directory. */
bool pool_is_url(const char *text);
/*
 * Pools for what is of archive ALIAS; NULL: for whatever a digest names. OWN is the project's
 * (project_pool_dir()), or NULL.
 */
void pools_find(struct arena *arena, const struct user_config *config, const char *own,
		const char *alias, struct pools *ret);
/* Where a file is below a pool: "sha256/ab/abcd..."; arena. */
const char *pool_path(struct arena *arena, const struct digest *d);
/*
 * The file PATH, if it has digest D and SIZE bytes (0: unknown), becomes DEST, read only: 0. 1: it
 * has not, or cannot be read; *RET_THERE: there is a file.
 */
int pool_copy(const char *path, const struct digest *d, uint64_t size, const char *dest,
	      bool *ret_there, struct err **err) warn_unused;
/*
 * The file of digest D, of SIZE bytes (0: unknown), becomes DEST, read only. 0; 1: no directory of
 * P has it. *RET_DAMAGED is the path of a file that should be it and is not, or else NULL.
 */
int pools_copy(struct arena *arena, const struct pools *p, const struct digest *d, uint64_t size,
	       const char *dest, const char **ret_damaged, struct err **err) warn_unused;
