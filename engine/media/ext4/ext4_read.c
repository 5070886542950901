/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An ext2, ext3 or ext4 file system as a tree. */
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "base/vec.h"
#include "media/ext4/ext4_priv.h"
#include "media/tree/tree_priv.h"

struct reader {
	struct tree *t;
	const char *name;
	struct ext4_walk walk;
	const char *map; /* of the file system */
	size_t map_len;
	struct tree_inode **seen; /* by inode number: hard links */
	struct err *why;          /* it failed here, not in the file system */
};

/* ---- data ---- */

/*
 * Refers to COUNT blocks at PHYSICAL as the file's blocks from LOGICAL on, which come in order but
 * in a damaged file system.
 */
static int refer(struct reader *r, struct tree_inode *inode, uint64_t logical, uint64_t physical,
		 uint64_t count)
{
	uint64_t bs = r->walk.fs->blocksize, offset = logical * bs, len = count * bs;

	if (!ext4_take(&r->walk.left.blocks, count))
		return -1;
	if (offset >= inode->size)
		return 0;
	if (len > inode->size - offset)
		len = inode->size - offset;
	if (physical * bs > r->map_len || len > r->map_len - physical * bs ||
	    !tree_inode_takes(inode, offset, len))
		return -1;
	tree_inode_refer(r->t, inode, offset, r->map + physical * bs, len);
	return 0;
}

static errcode_t read_extents(struct reader *r, ext2_ino_t ino, struct ext2_inode *disk,
			      struct tree_inode *inode)
{
	ext2_extent_handle_t h;
	struct ext2fs_extent e;
	errcode_t code = ext2fs_extent_open2(r->walk.fs, ino, disk, &h);
	int op = EXT2_EXTENT_ROOT;

	if (code)
		return code;
	while (!(code = ext2fs_extent_get(h, op, &e))) {
		op = EXT2_EXTENT_NEXT;
		if (!ext4_take(&r->walk.left.blocks, 1)) {
			code = EXT2_ET_EXTENT_HEADER_BAD;
			break;
		}
		if (!(e.e_flags & EXT2_EXTENT_FLAGS_LEAF) ||
		    (e.e_flags & EXT2_EXTENT_FLAGS_UNINIT) ||
		    (e.e_flags & EXT2_EXTENT_FLAGS_SECOND_VISIT))
			continue;
		if (refer(r, inode, e.e_lblk, e.e_pblk, e.e_len) < 0) {
			code = EXT2_ET_EXTENT_INVALID_LENGTH;
			break;
		}
	}
	ext2fs_extent_free(h);
	return code == EXT2_ET_EXTENT_NO_NEXT || code == EXT2_ET_NO_CURRENT_NODE ? 0 : code;
}

struct block_walk {
	struct reader *r;
	struct tree_inode *inode;
	bool bad;
};

static int one_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t logical, blk64_t ref,
		     int ref_offset, void *arg)
{
	struct block_walk *w = arg;

	if (logical < 0)
		return 0;
	w->bad = refer(w->r, w->inode, (uint64_t)logical, *block, 1) < 0;
	return w->bad ? BLOCK_ABORT : 0;
}

/* Through the library's file interface: what lies in the inode itself. */
static errcode_t read_inline(struct reader *r, ext2_ino_t ino, struct tree_inode *inode)
{
	ext2_file_t f;
	char buf[EXT4_BLOCK];
	unsigned got;
	errcode_t code = ext2fs_file_open(r->walk.fs, ino, 0, &f);

	if (code)
		return code;
	code = inode->size > sizeof(buf) ? EXT2_ET_BAD_MAGIC
					 : ext2fs_file_read(f, buf, (unsigned)inode->size, &got);
	ext2fs_file_close(f);
	if (!code && tree_inode_append(r->t, inode, 0, buf, got, &r->why) < 0)
		code = EXT2_ET_NO_MEMORY;
	return code;
}

static errcode_t read_data(struct reader *r, ext2_ino_t ino, struct ext2_inode *disk,
			   struct tree_inode *inode)
{
	struct block_walk w = {r, inode, false};
	errcode_t code;

	inode->size = EXT2_I_SIZE(disk);
	if (disk->i_flags & EXT4_INLINE_DATA_FL)
		code = read_inline(r, ino, inode);
	else if (disk->i_flags & EXT4_EXTENTS_FL)
		code = read_extents(r, ino, disk, inode);
	else
		code = ext2fs_block_iterate3(r->walk.fs, ino,
					     BLOCK_FLAG_READ_ONLY | BLOCK_FLAG_DATA_ONLY, NULL,
					     one_block, &w);
	return code ? code : w.bad ? EXT2_ET_BAD_BLOCK_NUM : 0;
}

/* ---- attributes ---- */

struct xattr_walk {
	struct reader *r;
	struct tree_inode *inode;
	struct ext2_xattr_handle *h;
};

static int one_xattr(char *name, char *value, size_t len, void *arg)
{
	struct xattr_walk *w = arg;
	void *converted = NULL;

	if (str_eq(name, "system.data"))
		return 0;
	if (str_skip(name, "system.posix_acl_") && !ext2fs_xattr_get(w->h, name, &converted, &len))
		value = converted; /* the form on disk is another one */
	tree_inode_xattr(w->r->t, w->inode, name, value, len);
	if (converted)
		ext2fs_free_mem(&converted);
	return 0;
}

static errcode_t read_xattrs(struct reader *r, ext2_ino_t ino, struct tree_inode *inode)
{
	struct xattr_walk w = {r, inode, NULL};
	errcode_t code = ext2fs_xattrs_open(r->walk.fs, ino, &w.h);

	if (code)
		return code;
	code = ext2fs_xattrs_read(w.h);
	if (!code)
		code = ext2fs_xattrs_iterate(w.h, one_xattr, &w);
	ext2fs_xattrs_close(&w.h);
	return code;
}

static errcode_t read_symlink(struct reader *r, ext2_ino_t ino, struct ext2_inode *disk,
			      struct tree_inode *inode)
{
	struct tree_inode content = {0};
	char target[EXT4_BLOCK + 1] = "";
	uint64_t size = EXT2_I_SIZE(disk);
	errcode_t code = 0;

	if (size > EXT4_BLOCK)
		return EXT2_ET_INODE_CORRUPTED;
	if (ext2fs_is_fast_symlink(disk) && size < sizeof(disk->i_block)) {
		memcpy(target, disk->i_block, size);
	} else {
		code = read_data(r, ino, disk, &content);
		if (!code)
			tree_inode_read(&content, 0, target, size);
	}
	inode->target = tree_strdup(r->t, target);
	return code ? code : *target ? 0 : EXT2_ET_INODE_CORRUPTED;
}

int64_t ext4_time(const struct ext2_inode_large *disk, uint32_t seconds, uint32_t extra)
{
	int64_t t = (int32_t)seconds;

	if (disk->i_extra_isize >= 16)
		t += (int64_t)(extra & 3) << 32;
	return t;
}

static void read_device(const struct ext2_inode *disk, struct tree_inode *inode)
{
	if (disk->i_block[0]) {
		inode->major = (disk->i_block[0] >> 8) & 255;
		inode->minor = disk->i_block[0] & 255;
	} else {
		inode->major = (disk->i_block[1] & 0xfff00) >> 8;
		inode->minor = (disk->i_block[1] & 255) | ((disk->i_block[1] >> 12) & 0xfff00);
	}
}

/* *RET is NULL for what trees do not have (sockets). */
static errcode_t read_inode(struct reader *r, ext2_ino_t ino, struct tree_inode **ret)
{
	struct ext2_inode_large disk = {0};
	struct ext2_inode *small = ext2fs_inode(&disk);
	struct tree_inode *inode;
	errcode_t code = ext2fs_read_inode_full(r->walk.fs, ino, small, sizeof(disk));

	*ret = NULL;
	if (code || LINUX_S_ISSOCK(disk.i_mode))
		return code;
	if (disk.i_flags & EXT4_ENCRYPT_FL)
		return EXT2_ET_UNSUPP_FEATURE;
	inode = tree_inode_new(r->t, disk.i_mode, inode_uid(disk), inode_gid(disk),
			       ext4_time(&disk, disk.i_mtime, disk.i_mtime_extra));
	inode->ctime = ext4_time(&disk, disk.i_ctime, disk.i_ctime_extra);
	if (S_ISREG(inode->mode))
		code = read_data(r, ino, small, inode);
	else if (S_ISLNK(inode->mode))
		code = read_symlink(r, ino, small, inode);
	else if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		read_device(small, inode);
	if (!code)
		code = read_xattrs(r, ino, inode);
	*ret = code ? NULL : inode;
	return code;
}

/* ---- names ---- */

/* Why the file at PATH cannot be read. */
static int unread(struct reader *r, errcode_t code, const char *path, struct err **err)
{
	char *what cleanup_free = xasprintf("'%s': '/%s' cannot be read", r->name, path);

	if (!r->why)
		return ext4_unread(code, what, err);
	*err = steal_ptr(r->why);
	return err_wrap(err, "%s", what);
}

static int read_name(struct reader *r, ext2_ino_t ino, const char *path, struct err **err)
{
	struct tree_inode *inode = NULL;
	bool known;
	errcode_t code = 0;

	if (ino < EXT2_ROOT_INO || ino > r->walk.fs->super->s_inodes_count)
		return err_set(err, E_FILESYSTEM_DAMAGED,
			       "'%s': '/%s' has a bad inode number: run e2fsck", r->name, path);
	inode = r->seen[ino - 1];
	known = inode != NULL;
	if (!known)
		code = read_inode(r, ino, &inode);
	if (!code && inode && S_ISDIR(inode->mode) && !known)
		code = ext4_walk_directory(&r->walk, ino, path);
	if (code)
		return unread(r, code, path, err);
	if (!inode) {
		strv_push(&r->t->left_out, path);
		return 0;
	}
	if (known && S_ISDIR(inode->mode))
		return err_set(err, E_FILESYSTEM_DAMAGED,
			       "'%s': directory '/%s' has two names: run e2fsck", r->name, path);
	r->seen[ino - 1] = inode;
	return tree_put(r->t, path, inode, TREE_FOLLOW, true, err);
}

static int read_tree(struct reader *r, struct err **err)
{
	struct tree_entry *lost;
	size_t removed;
	ext2_ino_t ino;
	char *next;

	r->seen = xcalloc(r->walk.fs->super->s_inodes_count, sizeof(*r->seen));
	if (read_name(r, EXT2_ROOT_INO, "", err) < 0)
		return -1;
	while (ext4_walk_next(&r->walk, &ino, &next)) {
		char *path cleanup_free = next;

		if (read_name(r, ino, path, err) < 0)
			return -1;
	}
	lost = tree_lookup(r->t, LOST_FOUND);
	if (lost && S_ISDIR(lost->inode->mode) && !lost->children)
		return tree_remove(r->t, "/" LOST_FOUND, &removed, err);
	return 0;
}

static void reader_release(struct reader *r)
{
	ext4_walk_free(&r->walk);
	free(r->seen);
	err_free(r->why);
}

static int check_state(const struct reader *r, struct err **err)
{
	if (ext2fs_has_feature_journal_needs_recovery(r->walk.fs->super) ||
	    !(r->walk.fs->super->s_state & EXT2_VALID_FS))
		return err_set(
			err, E_FILESYSTEM_DAMAGED,
			"'%s' was not unmounted: its journal must be replayed first (boot it and "
			"power it off, or run e2fsck)",
			r->name);
	if (r->walk.fs->super->s_state & EXT2_ERROR_FS)
		return err_set(err, E_FILESYSTEM_DAMAGED, "'%s' is marked as damaged: run e2fsck",
			       r->name);
	return 0;
}

int ext4_read_tree(struct tree *t, const char *path, uint64_t offset, struct err **err)
{
	struct reader r __attribute__((cleanup(reader_release))) = {.t = t, .name = path};
	const void *map;
	errcode_t code;
	char *what cleanup_free = NULL;

	if (tree_map_image(t, path, offset, &map, &r.map_len, err) < 0)
		return -1;
	r.map = map;
	code = ext4_walk_open(&r.walk, path, offset, r.map_len);
	if (code) {
		what = xasprintf("'%s': cannot read the file system", path);
		return ext4_unread(code, what, err);
	}
	if (check_state(&r, err) < 0)
		return -1;
	tree_begin(t);
	return read_tree(&r, err);
}
