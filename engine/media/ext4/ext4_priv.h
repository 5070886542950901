/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the ext4*.c files share. */
#include <ext2fs/ext2fs.h>

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"
#include "media/ext4/ext4.h"

#define EXT4_BLOCK 4096u
#define LOST_FOUND "lost+found"

/* The clock of a file system that is written, as libext2fs takes it: there 0 means the present. */
static inline time_t ext4_now(uint64_t epoch)
{
	return epoch ? (time_t)epoch : 1;
}

/* Sets *err from a libext2fs code of a writer: "NAME: ACTION: text"; returns -1. */
int ext4_fail(errcode_t code, const char *name, const char *action, struct err **err);
/*
 * The same of a reader: "WHAT: text". What cannot be read, be it a fault of the disk or an end that
 * comes too early, is E_FILESYSTEM_DAMAGED; what libext2fs does not know is E_UNPACK_FORMAT.
 */
int ext4_unread(errcode_t code, const char *what, struct err **err);
/* Whether this is what libext2fs does not know, rather than damage. */
bool ext4_is_foreign(errcode_t code);
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
/* A name that was found and is still to be looked at. */
struct ext4_name {
	ext2_ino_t ino;
	char *path;
};
DEFINE_VEC(ext4_names, struct ext4_name)
/*
 * A file system that somebody else wrote, gone through name by name:
 *
 *	struct ext4_walk w cleanup_ext4_walk = {0};
 *	code = ext4_walk_open(&w, image, offset, len);
 *	code = ext4_walk_directory(&w, EXT2_ROOT_INO, "");
 *	while (ext4_walk_next(&w, &ino, &path))
 *		... ext4_walk_directory(&w, ino, path), if it is one; free(path)
 */
struct ext4_walk {
	ext2_filsys fs;
	struct ext4_limit left;
	struct ext4_names todo;
	size_t done; /* of them */
};
/* LEN: bytes from OFFSET to the end of the file PATH. */
errcode_t ext4_walk_open(struct ext4_walk *w, const char *path, uint64_t offset,
			 uint64_t len) warn_unused;
/*
 * Adds what is in the directory INO but "." and "..", inode numbers as they stand there. PATH: the
 * directory's, without a '/' at its beginning; "" the root's.
 */
errcode_t ext4_walk_directory(struct ext4_walk *w, ext2_ino_t ino, const char *path) warn_unused;
/* The next name, in the order in which they were found; caller frees the path. False: no more. */
bool ext4_walk_next(struct ext4_walk *w, ext2_ino_t *ret_ino, char **ret_path);
void ext4_walk_free(struct ext4_walk *w);
#define cleanup_ext4_walk __attribute__((cleanup(ext4_walk_free)))

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
	struct ext4_children children;
	unsigned subdirs;
};

/* An inode of the tree and its number. The tree inode's user field is the index in the list + 1. */
struct ext4_numbered {
	struct tree_inode *inode;
	const char *path; /* its first name */
	size_t up;        /* index of the directory that holds it; the root's is itself */
	ext2_ino_t ino;
	struct ext4_directory *directory;
	const struct ext4_pin *pin; /* where it was, or NULL */
	uint64_t blocks;            /* of its content, without those of extents and attributes */
	uint64_t at;                /* the first of them, as a place: struct ext4_area */
};
DEFINE_VEC(ext4_numbers, struct ext4_numbered)

/* Where a path was: a line of a lock. */
struct ext4_pin {
	char *path;
	ext2_ino_t ino; /* 0: no longer meant */
	blk64_t block;
	uint64_t blocks; /* 0: it had none */
};
DEFINE_VEC(ext4_pins, struct ext4_pin)
struct ext4_lock {
	uint64_t size, inodes; /* of the file system */
	struct ext4_pins pins; /* sorted by path */
};
/* The line of PATH, or NULL. */
const struct ext4_pin *ext4_lock_find(const struct ext4_lock *lock, const char *path);

/*
 * A run of blocks that were free after formatting. All of them in a row, without the tables between
 * them, are the places of a file system: 0, 1, ...
 */
struct ext4_area {
	blk64_t block;
	uint64_t place, len;
};
DEFINE_VEC(ext4_areas, struct ext4_area)

/* One file system being written. */
struct ext4_writer {
	struct tree *t;
	const char *name;
	ext2_filsys fs;
	int fd;
	uint64_t offset;
	struct ext4_numbers list;
	struct ext4_areas areas;
	const struct ext4_lock *lock; /* or NULL */
	char *copy;                   /* for moving data; see ext4_data.c */
	bool lost_found;              /* the tree has none: make one, the last of the list */
	struct tree_inode lost;       /* it */
	struct ext4_layout *told;     /* what the caller wants to know, never NULL */
};

/* ext4_place.c: which number an inode gets, and which blocks. */

/* Numbers of inodes that are to be had for COUNT of them. */
uint64_t ext4_inodes_for(uint64_t count);
/* Gives each inode of the list its number. */
void ext4_number(struct ext4_writer *w);
/* Gives each inode of the list the place of its blocks, which are taken then. They must fit. */
errcode_t ext4_place(struct ext4_writer *w);
/* The run of blocks that the LEN places from AT on begin with; returns how many these are. */
uint64_t ext4_blocks_at(const struct ext4_writer *w, uint64_t at, uint64_t len, blk64_t *ret_block);

/* ext4_data.c: blocks and the data of files. */

#define EXT4_COPY_SIZE (1u << 20)

/* The next run of blocks that must be stored, at or after *BLOCK. False at the end of the file. */
bool ext4_next_run(const struct tree_inode *inode, uint64_t *block, uint64_t *ret_len);
/* Maps LEN logical blocks from BLOCK on to TO, after the extents that are there. */
errcode_t ext4_add_extents(struct ext4_writer *w, ext2_extent_handle_t h, struct ext2_inode *inode,
			   uint64_t block, blk64_t to, uint64_t len);
/* Stores the content of N; INODE has its extent header. */
int ext4_put_data(struct ext4_writer *w, const struct ext4_numbered *n,
		  struct ext2_inode_large *inode, struct err **err) warn_unused;

/* ext4_dir.c: directories. */

/* Stores the directory of N. */
int ext4_put_directory(struct ext4_writer *w, const struct ext4_numbered *n,
		       struct ext2_inode_large *inode, struct err **err) warn_unused;
/* How many blocks a directory takes; lost+found four, as from mke2fs, so that e2fsck takes none. */
uint64_t ext4_directory_blocks(const struct ext4_writer *w, const struct ext4_numbered *n);

/* ext4_read.c: a time of an inode, from its two fields. */
int64_t ext4_time(const struct ext2_inode_large *disk, uint32_t seconds, uint32_t extra);

/* ext4.c */

/* Owner, mode, times and links of SRC; no content. */
void ext4_init_inode(const struct tree_inode *src, struct ext2_inode_large *inode);
/* An empty extent tree for INODE, and its first version on disk. */
errcode_t ext4_start_inode(struct ext4_writer *w, ext2_ino_t ino, struct ext2_inode_large *inode);
