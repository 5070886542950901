/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose a block is, and what state a file system was left in. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "media/ext4/ext4_priv.h"

struct owners {
	struct ext4_walk walk;
	ext4_owner_fn *fn;
	void *arg;
	const char *path; /* of the inode that is looked at */
	bool *seen;       /* by inode number */
};

static int tell_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t logical, blk64_t ref, int offset,
		      void *arg)
{
	struct owners *o = arg;

	if (!ext4_take(&o->walk.left.blocks, 1))
		return BLOCK_ABORT;
	o->fn(o->arg, *block * fs->blocksize, fs->blocksize, o->path);
	return 0;
}

/* PATH is as ext4_walk_next() has it. */
static void tell_inode(struct owners *o, ext2_ino_t ino, const char *path)
{
	char *name cleanup_free = xasprintf("%s%s", *path ? "/" : "", path);
	struct ext2_inode inode;

	if (ino < EXT2_ROOT_INO || ino > o->walk.fs->super->s_inodes_count || o->seen[ino])
		return;
	o->seen[ino] = true;
	o->path = name;
	if (ext2fs_read_inode(o->walk.fs, ino, &inode))
		return;
	if (ext2fs_inode_has_valid_blocks2(o->walk.fs, &inode))
		(void)ext2fs_block_iterate3(o->walk.fs, ino, BLOCK_FLAG_READ_ONLY, NULL, tell_block,
					    o);
	if (LINUX_S_ISDIR(inode.i_mode))
		(void)!ext4_walk_directory(&o->walk, ino, path);
}

static void owners_release(struct owners *o)
{
	ext4_walk_free(&o->walk);
	free(o->seen);
}

int ext4_each_owner(const char *path, uint64_t offset, ext4_owner_fn *fn, void *arg)
{
	struct owners o __attribute__((cleanup(owners_release))) = {.fn = fn, .arg = arg};
	ext2_ino_t ino;
	struct stat st;
	char *next;

	if (stat(path, &st) < 0 ||
	    ext4_walk_open(&o.walk, path, offset,
			   (uint64_t)st.st_size > offset ? (uint64_t)st.st_size - offset : 0))
		return 1;
	o.seen = xcalloc((size_t)o.walk.fs->super->s_inodes_count + 1, sizeof(*o.seen));
	tell_inode(&o, EXT2_ROOT_INO, "");
	while (ext4_walk_next(&o.walk, &ino, &next)) {
		char *name cleanup_free = next;

		tell_inode(&o, ino, name);
	}
	return 0;
}

/* ---- its state ---- */

static bool read_super(int fd, uint64_t offset, struct ext2_super_block *ret)
{
	return pread(fd, ret, sizeof(*ret), (off_t)(offset + 1024)) == sizeof(*ret) &&
	       ext2fs_le16_to_cpu(ret->s_magic) == EXT2_SUPER_MAGIC;
}

/* A count of blocks whose high half is there with the feature 64bit alone. */
static uint64_t block_count(const struct ext2_super_block *s, uint32_t low, uint32_t high)
{
	bool wide = ext2fs_le32_to_cpu(s->s_feature_incompat) & EXT4_FEATURE_INCOMPAT_64BIT;

	return ext2fs_le32_to_cpu(low) | (wide ? (uint64_t)ext2fs_le32_to_cpu(high) << 32 : 0);
}

int ext4_identify(int fd, uint64_t offset, struct ext4_identity *ret)
{
	struct ext2_super_block s;
	uint64_t blocks, reserved;

	*ret = (struct ext4_identity){0};
	if (!read_super(fd, offset, &s) || ext2fs_le32_to_cpu(s.s_log_block_size) > 6)
		return 1;
	blocks = block_count(&s, s.s_blocks_count, s.s_blocks_count_hi);
	reserved = block_count(&s, s.s_r_blocks_count, s.s_r_blocks_count_hi);
	if (!blocks || blocks > INT64_MAX >> 16 || reserved > blocks / 2)
		return 1;
	memcpy(ret->uuid, s.s_uuid, sizeof(ret->uuid));
	memcpy(ret->seed, s.s_hash_seed, sizeof(ret->seed));
	memcpy(ret->label, s.s_volume_name, sizeof(s.s_volume_name));
	ret->size = blocks << (10 + ext2fs_le32_to_cpu(s.s_log_block_size));
	ret->inodes = ext2fs_le32_to_cpu(s.s_inodes_count);
	ret->reserved_percent = (unsigned)((reserved * 100 + blocks - 1) / blocks);
	return 0;
}

const char *ext4_state(int fd, uint64_t offset)
{
	struct ext2_super_block s;

	if (!read_super(fd, offset, &s))
		return NULL;
	if (ext2fs_le16_to_cpu(s.s_state) & EXT2_ERROR_FS)
		return "has errors: run e2fsck on a copy";
	if (ext2fs_le32_to_cpu(s.s_feature_incompat) & EXT3_FEATURE_INCOMPAT_RECOVER)
		return "was not unmounted: its journal is to be replayed";
	return ext2fs_le16_to_cpu(s.s_state) & EXT2_VALID_FS ? "clean" : "was not unmounted";
}
