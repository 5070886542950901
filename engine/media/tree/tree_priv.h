/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the tree*.c files share: the index itself and where data lies. */
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "media/tree/tree.h"

DEFINE_VEC(tree_entry_ptrs, struct tree_entry *)
DEFINE_VEC(tree_ptrs, struct tree *)

struct tree_mapping {
	void *addr;
	size_t len;
};
DEFINE_VEC(tree_mappings, struct tree_mapping)

struct tree {
	struct arena *arena;
	struct map index; /* path -> struct tree_entry, removed ones included */
	struct tree_entry_ptrs sorted;
	bool dirty; /* sorted is out of date */
	uint64_t epoch;
	unsigned seq; /* of the running or last reading */
	struct tree_mappings mappings;
	struct tree_ptrs kept;
	struct strv left_out;
	char *scratch;
	int spool; /* unlinked file, or -1 */
	uint64_t spool_size;
	char *window; /* the part of the spool that is being filled */
	size_t window_used, window_size;
};

/*
 * Appends PATH in normal form (no leading or double '/', no "."); 1 if it
 * has a ".." or is too long.
 */
int tree_path_normal(const char *path, struct str *ret);
/* Starts a reading: what is made from now on has a new seq. */
void tree_begin(struct tree *t);
/* Maps a whole file; *ret_addr is NULL when it is empty. Lives as long as the tree. */
int tree_map_fd(struct tree *t, int fd, const char *name, const void **ret_addr, size_t *ret_len,
		struct err **err) warn_unused;
/*
 * Maps the file PATH from byte OFFSET on, where a file system begins; E_FILESYSTEM_DAMAGED when the
 * file ends before. Lives as long as the tree.
 */
int tree_map_image(struct tree *t, const char *path, uint64_t offset, const void **ret_addr,
		   size_t *ret_len, struct err **err) warn_unused;
/*
 * Room for one more of COUNT elements: arrays in the arena grow whenever COUNT is a power of two.
 */
void *tree_grow(struct arena *a, void *items, size_t count, size_t size);
/*
 * Whether a segment of LEN bytes at OFFSET may be added: within the inode's size, which is set
 * before, and after all that it has. Whoever reads what others wrote asks before each.
 */
static inline bool tree_inode_takes(const struct tree_inode *inode, uint64_t offset, uint64_t len)
{
	const struct tree_segment *last =
		inode->segment_count ? &inode->segments[inode->segment_count - 1] : NULL;

	return offset <= inode->size && len <= inode->size - offset &&
	       (!last || offset >= last->offset + last->len);
}
/* Adds a segment that refers to DATA in place. */
void tree_inode_refer(struct tree *t, struct tree_inode *inode, uint64_t offset, const void *data,
		      size_t len);
/*
 * Names INODE at PATH as tree_link, with links judged by *seq*: a link made by the current reading
 * is never followed when STRICT.
 */
int tree_put(struct tree *t, const char *path, struct tree_inode *inode, unsigned flags,
	     bool strict, struct err **err) warn_unused;
/* The entry PATH as the target of a hard link, judged the same way. NULL: none. */
struct tree_entry *tree_link_target(struct tree *t, const char *path, unsigned flags, bool strict);
