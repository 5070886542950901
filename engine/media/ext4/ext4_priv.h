/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the ext4*.c files share. */
#include <ext2fs/ext2fs.h>

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"
#include "media/ext4/ext4.h"

#define EXT4_BLOCK 4096u

/* The clock of a file system that is written, as libext2fs takes it: there 0 means the present. */
static inline time_t ext4_now(uint64_t epoch)
{
	return epoch ? (time_t)epoch : 1;
}

/* Sets *err from a libext2fs code: "NAME: ACTION: text"; returns -1. */
int ext4_fail(errcode_t code, const char *name, const char *action, struct err **err);
/*
 * Opens what somebody else wrote, with FLAGS besides EXT2_FLAG_64BITS. Refuses what libext2fs
 * (1.47.0) takes and would then write past its own memory for: a first block other than 0 or 1.
 */
errcode_t ext4_open(const char *path, uint64_t offset, int flags, ext2_filsys *ret_fs) warn_unused;
/*
 * How much a reader of what somebody else wrote may meet before it is damaged for sure: pointers
 * may lead in a circle, and then libext2fs follows them 2^30 times.
 */
struct ext4_limit {
	uint64_t blocks, names; /* that are left */
};
/* Of a file system of LEN bytes. Blocks that are shared (as Android has it) count each time. */
struct ext4_limit ext4_limit_of(ext2_filsys fs, uint64_t len);
/* Takes COUNT of what is LEFT. Whether there were as many. */
static inline bool ext4_take(uint64_t *left, uint64_t count)
{
	bool enough = count <= *left;

	*left -= enough ? count : *left;
	return enough;
}
/*
 * A new file system without any directory: superblock, tables, reserved inodes, journal. *ret_fs is
 * to be closed with ext2fs_close_free().
 */
int ext4_format(const char *path, uint64_t offset, const char *name, const struct ext4_opts *opts,
		uint64_t epoch, uint64_t inodes, ext2_filsys *ret_fs, struct err **err) warn_unused;

/* One directory on its way to disk; child names are the last parts of paths. */
struct ext4_child {
	const char *name;
	struct tree_inode *inode;
};
DEFINE_VEC(ext4_children, struct ext4_child)

struct ext4_directory {
	struct tree_inode *inode;
	ext2_ino_t ino, parent;
	struct ext4_children children;
	unsigned subdirs;
};

/* An inode of the tree and its number. The tree inode's user field is the index in the list + 1. */
struct ext4_numbered {
	struct tree_inode *inode;
	const char *path; /* its first name */
	ext2_ino_t ino;
	struct ext4_directory *directory;
};
DEFINE_VEC(ext4_numbers, struct ext4_numbered)

/* One file system being written. */
struct ext4_writer {
	struct tree *t;
	const char *name;
	ext2_filsys fs;
	int fd;
	uint64_t offset;
	blk64_t cursor; /* where the next data goes */
	struct ext4_numbers list;
	char *copy;      /* for moving data; see ext4_data.c */
	bool lost_found; /* the tree has none: make one */
};

/* ext4_data.c: blocks and the data of files. */

#define EXT4_COPY_SIZE (1u << 20)

/* The next run of blocks that must be stored, at or after *BLOCK. False at the end of the file. */
bool ext4_next_run(const struct tree_inode *inode, uint64_t *block, uint64_t *ret_len);
/* Takes up to WANT blocks in one piece from the cursor on. */
errcode_t ext4_take_blocks(struct ext4_writer *w, uint64_t want, blk64_t *ret_block,
			   uint64_t *ret_len);
/* Maps LEN logical blocks from BLOCK on to TO, after the extents that are there. */
errcode_t ext4_add_extents(ext2_filsys fs, ext2_extent_handle_t h, struct ext2_inode *inode,
			   uint64_t block, blk64_t to, uint64_t len);
/* Stores the content of N; INODE has its extent header. */
int ext4_put_data(struct ext4_writer *w, const struct ext4_numbered *n,
		  struct ext2_inode_large *inode, struct err **err) warn_unused;

/* ext4_dir.c: directories. */

/* Stores the directory of N. */
int ext4_put_directory(struct ext4_writer *w, const struct ext4_numbered *n,
		       struct ext2_inode_large *inode, struct err **err) warn_unused;
/* lost+found as mke2fs makes it: four blocks, so that e2fsck need not take any. */
int ext4_put_lost_found(struct ext4_writer *w, struct err **err) warn_unused;
/* How many blocks a directory takes. */
uint64_t ext4_directory_blocks(const struct ext4_directory *f);

/* ext4.c */

/* Owner, mode, times and links of SRC; no content. */
void ext4_init_inode(const struct tree_inode *src, struct ext2_inode_large *inode);
/* An empty extent tree for INODE, and its first version on disk. */
errcode_t ext4_start_inode(struct ext4_writer *w, ext2_ino_t ino, struct ext2_inode_large *inode);
