/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose a block is, and what state a file system was left in. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "media/ext4/ext4_priv.h"

struct owners {
	const char *image;
	struct ext4_walk walk;
	ext4_owner_fn *fn;       /* or NULL */
	ext4_inode_fn *inode_fn; /* or NULL */
	void *arg;
	const char *path; /* of the inode that is looked at */
	bool *seen;       /* by inode number */
	bool bad;         /* it has more blocks than there can be */
};

static int tell_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t logical, blk64_t ref, int offset,
		      void *arg)
{
	struct owners *o = arg;

	o->bad = !ext4_take(&o->walk.left.blocks, 1);
	if (o->bad)
		return BLOCK_ABORT;
	o->fn(o->arg, *block * fs->blocksize, fs->blocksize, o->path);
	return 0;
}

static errcode_t tell_blocks(struct owners *o, ext2_ino_t ino, struct ext2_inode *inode)
{
	errcode_t code;

	if (!ext2fs_inode_has_valid_blocks2(o->walk.fs, inode))
		return 0;
	code = ext2fs_block_iterate3(o->walk.fs, ino, BLOCK_FLAG_READ_ONLY, NULL, tell_block, o);
	return code ? code : o->bad ? EXT2_ET_BAD_BLOCK_NUM : 0;
}

static void tell_place(const struct owners *o, ext2_ino_t ino)
{
	ext2_filsys fs = o->walk.fs;
	dgrp_t group = (dgrp_t)((ino - 1) / fs->super->s_inodes_per_group);
	uint64_t i = (ino - 1) % fs->super->s_inodes_per_group, size = EXT2_INODE_SIZE(fs->super);

	o->inode_fn(o->arg, ext2fs_inode_table_loc(fs, group) * fs->blocksize + i * size, size,
		    o->path);
}

/* PATH is as ext4_walk_next() has it. */
static int tell_inode(struct owners *o, ext2_ino_t ino, const char *path, struct err **err)
{
	char *name cleanup_free = xasprintf("%s%s", *path ? "/" : "", path), *what = NULL;
	struct ext2_inode inode;
	errcode_t code;
	int rc = 0;

	if (ino < EXT2_ROOT_INO || ino > o->walk.fs->super->s_inodes_count)
		return err_set(err, E_FILESYSTEM_DAMAGED,
			       "'%s': '/%s' has a bad inode number: run e2fsck on a copy", o->image,
			       path);
	if (o->seen[ino])
		return 0;
	o->seen[ino] = true;
	o->path = name;
	code = ext2fs_read_inode(o->walk.fs, ino, &inode);
	if (!code && o->inode_fn)
		tell_place(o, ino);
	if (!code && o->fn)
		code = tell_blocks(o, ino, &inode);
	if (!code && LINUX_S_ISDIR(inode.i_mode))
		code = ext4_walk_directory(&o->walk, ino, path);
	if (code) {
		what = xasprintf("'%s': '/%s' cannot be read", o->image, path);
		rc = ext4_unread(code, what, err);
	}
	free(what);
	return rc;
}

static int tell_all(struct owners *o, struct err **err)
{
	ext2_ino_t ino;
	char *next;

	o->seen = xcalloc((size_t)o->walk.fs->super->s_inodes_count + 1, sizeof(*o->seen));
	if (tell_inode(o, EXT2_ROOT_INO, "", err) < 0)
		return -1;
	while (ext4_walk_next(&o->walk, &ino, &next)) {
		char *path cleanup_free = next;

		if (tell_inode(o, ino, path, err) < 0)
			return -1;
	}
	return 0;
}

static void owners_release(struct owners *o)
{
	ext4_walk_free(&o->walk);
	free(o->seen);
}

/* ASKED: the image, and what to call. */
static int each(struct owners asked, uint64_t offset, struct err **err)
{
	struct owners o __attribute__((cleanup(owners_release))) = asked;
	const char *path = o.image;
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	char *what cleanup_free = NULL;
	errcode_t code;

	if (end < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", path);
	if (!ext4_state(fd, offset))
		return 1;
	code = ext4_walk_open(&o.walk, path, offset, (uint64_t)end - offset);
	if (!code)
		return tell_all(&o, err);
	if (ext4_is_foreign(code))
		return 1;
	what = xasprintf("'%s': cannot read the file system", path);
	return ext4_unread(code, what, err);
}

int ext4_each_owner(const char *path, uint64_t offset, ext4_owner_fn *fn, void *arg,
		    struct err **err)
{
	return each((struct owners){.image = path, .fn = fn, .arg = arg}, offset, err);
}

int ext4_each_inode(const char *path, uint64_t offset, ext4_inode_fn *fn, void *arg,
		    struct err **err)
{
	return each((struct owners){.image = path, .inode_fn = fn, .arg = arg}, offset, err);
}

/* ---- its state ---- */

/* 1: there is none; -1: the disk has an error. */
static int read_super(int fd, uint64_t offset, struct ext2_super_block *ret)
{
	ssize_t got = pread(fd, ret, sizeof(*ret), (off_t)(offset + 1024));

	if (got < 0)
		return -1;
	return got != sizeof(*ret) || ext2fs_le16_to_cpu(ret->s_magic) != EXT2_SUPER_MAGIC;
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
	if (read_super(fd, offset, &s) != 0 || ext2fs_le32_to_cpu(s.s_log_block_size) > 6)
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
	int rc = read_super(fd, offset, &s);

	if (rc)
		return rc < 0 ? "cannot be read: the disk has an error" : NULL;
	if (ext2fs_le16_to_cpu(s.s_state) & EXT2_ERROR_FS)
		return "has errors: run e2fsck on a copy";
	if (ext2fs_le32_to_cpu(s.s_feature_incompat) & EXT3_FEATURE_INCOMPAT_RECOVER)
		return "was not unmounted: its journal is to be replayed";
	return ext2fs_le16_to_cpu(s.s_state) & EXT2_VALID_FS ? "clean" : "was not unmounted";
}
