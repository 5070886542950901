/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * ext4 file systems from trees and back, in process, on plain files, without privilege.
 *
 * Equal trees and options give equal bytes: inode numbers and blocks follow from paths and sizes
 * (ext4_place.c), so that a file that comes, goes or changes moves few others; every time is
 * the tree's epoch, identities come from the caller, and the features are fixed here
 * instead of in the host's mke2fs.conf. They are what Linux 4.x and later write and U-Boot reads:
 * no metadata_csum_seed and no orphan_file. Blocks are 4 KiB, inodes 256 bytes. Blocks that are
 * free or zero are never written, so the image is as sparse as its file was.
 */
#include "base/str.h"
#include "media/tree/tree.h"

/* How blocks were given to files and directories. */
enum ext4_order {
	EXT4_BY_NAME_WITH_ROOM, /* each where its path says, with room to grow */
	EXT4_BY_NAME,           /* each where its path says */
	EXT4_IN_ORDER,          /* one after the other: it is too full for the others */
};
struct ext4_layout {
	enum ext4_order order;
	uint64_t files;  /* and directories, that have blocks */
	uint64_t pieces; /* runs of blocks that these have in all */
	uint64_t known;  /* files and directories that the lock has, too; 0: it was not used */
	uint64_t moved;  /* of these, those that have another number or begin at another block */
};

/*
 * A layout lock: where everything was in an earlier file system of the same size, so that what
 * stays is not moved. A text:
 *
 *	orch layout 1
 *	size BYTES inodes COUNT
 *	INODE BLOCK BLOCKS PATH         sorted by PATH, "etc/passwd", as base/line.h quotes words
 *	digest SHA256                   of all lines before it
 *
 * BLOCK is the first of the content, in blocks of 4 KiB, and BLOCKS how many it has; 0 0 without.
 */
struct ext4_lock;
/* Reads such a text. 1: it is damaged, which *RET_WHY says; it points into no memory of TEXT. */
int ext4_lock_parse(const char *text, size_t len, struct ext4_lock **ret,
		    const char **ret_why) warn_unused;
void ext4_lock_free(struct ext4_lock *lock);
static inline void ext4_lock_freep(struct ext4_lock **lock)
{
	ext4_lock_free(*lock);
}
#define cleanup_ext4_lock __attribute__((cleanup(ext4_lock_freep)))
/* Appends that of the file system at OFFSET of PATH, which ext4_write() made. */
int ext4_lock_write(const char *path, uint64_t offset, struct str *ret,
		    struct err **err) warn_unused;

struct ext4_opts {
	uint64_t size;             /* bytes; rounded down to whole blocks */
	const unsigned char *uuid; /* 16 bytes */
	const unsigned char *seed; /* 16 bytes: hash seed of directories */
	const char *label;         /* or NULL */
	unsigned reserved_percent; /* blocks kept for root */
	uint64_t inodes;           /* at least so many in all; 0: by size */
	/*
	 * NULL: none. It is not used where it is of another size or of fewer inodes, or where its
	 * inodes leave no room for the content.
	 */
	const struct ext4_lock *lock;
	struct ext4_layout *told; /* what to say about the result, or NULL */
};

/* What ext4_write() refuses whatever the tree is: a label (NULL: none), a size in bytes. */
int ext4_check_label(const char *label, const char *name, struct err **err) warn_unused;
int ext4_check_size(uint64_t size, const char *name, struct err **err) warn_unused;

/*
 * Writes a new file system with the content of T to [offset, offset + size) of the file PATH, which
 * must exist, reach that far and read as zeros there. A tree that does not fit is
 * E_IMAGE_TOO_SMALL, which names both sizes where they are known; a file of more than 2^32 - 1
 * blocks, however sparse, is ERR_BUILD. NAME is what the message calls the file system ("partition
 * 'root'").
 */
int ext4_write(struct tree *t, const char *path, uint64_t offset, const char *name,
	       const struct ext4_opts *opts, struct err **err) warn_unused;

/*
 * Lays the content of the ext2, ext3 or ext4 file system at OFFSET of image PATH over tree T. The
 * data stays in the image, which must not change while the tree lives. An empty lost+found and
 * sockets are left out. A file system that was not unmounted (journal to replay) or is damaged, as
 * one that cannot be read to its end, is refused: E_FILESYSTEM_DAMAGED.
 */
int ext4_read_tree(struct tree *t, const char *path, uint64_t offset, struct err **err) warn_unused;

/*
 * Makes a file system that a kernel wrote into [OFFSET, ...) of PATH depend on its content alone:
 * times of inodes become EPOCH (of contents: those of changes from SINCE on, seconds by that
 * kernel's clock; a later time that a file was given stays),
 * generations and mount counts 0, the old journal a hole. SEED is the hash seed of its directories.
 * It must be unmounted.
 */
int ext4_settle(const char *path, uint64_t offset, const char *name, const unsigned char seed[16],
		uint64_t epoch, uint64_t since, struct err **err) warn_unused;

/*
 * Calls FN for each run of free blocks of the ext2, ext3 or ext4 file system at OFFSET of PATH, in
 * bytes of the file system. 1: there is none, or one that libext2fs does not know, and nothing was
 * told, as when it is damaged: E_FILESYSTEM_DAMAGED.
 */
typedef void ext4_free_fn(void *arg, uint64_t at, uint64_t size);
int ext4_each_free(const char *path, uint64_t offset, ext4_free_fn *fn, void *arg,
		   struct err **err) warn_unused;

/*
 * Calls FN for each run of blocks that a file or directory has in the ext2, ext3 or ext4 file
 * system at OFFSET of PATH, in bytes of the file system; NAME is its path, "/etc/passwd", one of
 * several. In one that is damaged, E_FILESYSTEM_DAMAGED, not all have been told. 1: there is none,
 * or one that libext2fs does not know, and nothing was told.
 */
typedef void ext4_owner_fn(void *arg, uint64_t at, uint64_t size, const char *name);
int ext4_each_owner(const char *path, uint64_t offset, ext4_owner_fn *fn, void *arg,
		    struct err **err) warn_unused;
/*
 * The same for the place of each inode that has a name, in the tables of inodes; it is told once.
 */
typedef void ext4_inode_fn(void *arg, uint64_t at, uint64_t size, const char *name);
int ext4_each_inode(const char *path, uint64_t offset, ext4_inode_fn *fn, void *arg,
		    struct err **err) warn_unused;
#define EXT4_INODE_MAX 4096u /* bytes that one can have */
/*
 * Appends what differs of two inodes as they lie there, SIZE bytes each: "mode 0755 -> 4755, owner
 * 0:0 -> 7:7, times"; nothing if they are equal.
 */
void ext4_inode_changes(const void *before, const void *after, size_t size, struct str *ret);
/*
 * What a file system was made with, so that it can be written again with more in it.
 */
struct ext4_identity {
	unsigned char uuid[16], seed[16];
	char label[17]; /* "": none */
	uint64_t size;  /* bytes */
	uint64_t inodes;
	unsigned reserved_percent;
};
/* Of the one at OFFSET of FD, by its superblock. 1: there is none. */
int ext4_identify(int fd, uint64_t offset, struct ext4_identity *ret) warn_unused;
/*
 * How the file system at OFFSET was left: "clean", or what is wrong, a constant. NULL: there is
 * none. Only its superblock is read, so that the rest may be damaged.
 */
const char *ext4_state(int fd, uint64_t offset);
