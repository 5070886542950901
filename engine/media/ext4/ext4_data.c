/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which blocks of a file are stored, and where. */
#include <string.h>

#include "base/file.h"
#include "media/ext4/ext4_priv.h"

#define HOLE_BLOCKS 16 /* so many blocks of zeros become a hole */

/* ---- what is a hole ---- */

static bool is_zero(const char *data, size_t len)
{
	return len == 0 || (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}

/* How many whole blocks from BLOCK on, at most LIMIT, are holes or zeros. */
static uint64_t zero_blocks(const struct tree_inode *inode, uint64_t block, uint64_t limit)
{
	char buf[EXT4_BLOCK];
	uint64_t n = 0;
	size_t i = 0;

	while (n < limit) {
		uint64_t at = (block + n) * EXT4_BLOCK;
		uint64_t data;

		while (i < inode->segment_count &&
		       inode->segments[i].offset + inode->segments[i].len <= at)
			i++;
		data = i < inode->segment_count ? inode->segments[i].offset : UINT64_MAX;
		if (data >= at + EXT4_BLOCK) {
			uint64_t skip = (data - at) / EXT4_BLOCK;

			n = skip > limit - n ? limit : n + skip;
			continue;
		}
		tree_inode_read(inode, at, buf, sizeof(buf));
		if (!is_zero(buf, sizeof(buf)))
			return n;
		n++;
	}
	return n;
}

bool ext4_next_run(const struct tree_inode *inode, uint64_t *block, uint64_t *ret_len)
{
	uint64_t end = (inode->size + EXT4_BLOCK - 1) / EXT4_BLOCK, at = *block, zeros;

	zeros = zero_blocks(inode, at, end - at);
	if (zeros >= HOLE_BLOCKS)
		at += zeros;
	if (at >= end)
		return false;
	*block = at;
	while (at < end) {
		zeros = zero_blocks(inode, at, end - at < HOLE_BLOCKS ? end - at : HOLE_BLOCKS);
		if (zeros == HOLE_BLOCKS)
			break;
		at += zeros ? zeros : 1;
	}
	*ret_len = at - *block;
	return true;
}

/* ---- blocks ---- */

/* Copies LEN blocks of the file from logical BLOCK to physical TO, leaving out zeros. */
static int copy_blocks(struct ext4_writer *w, const struct tree_inode *inode, uint64_t block,
		       blk64_t to, uint64_t len, struct err **err)
{
	uint64_t pos = 0, bytes = len * EXT4_BLOCK;

	while (pos < bytes) {
		size_t n = bytes - pos < EXT4_COPY_SIZE ? (size_t)(bytes - pos) : EXT4_COPY_SIZE;

		tree_inode_read(inode, block * EXT4_BLOCK + pos, w->copy, n);
		if (!is_zero(w->copy, n) &&
		    fd_pwrite_all(w->fd, w->name, w->copy, n, w->offset + to * EXT4_BLOCK + pos,
				  err) < 0)
			return -1;
		pos += n;
	}
	return 0;
}

errcode_t ext4_add_extents(struct ext4_writer *w, ext2_extent_handle_t h, struct ext2_inode *inode,
			   uint64_t block, blk64_t to, uint64_t len)
{
	while (len) {
		struct ext2fs_extent e = {.e_lblk = block, .e_pblk = to};
		errcode_t code;

		e.e_len = len < EXT_INIT_MAX_LEN ? (uint32_t)len : EXT_INIT_MAX_LEN;
		code = ext2fs_extent_insert(h, EXT2_EXTENT_INSERT_AFTER, &e);
		if (!code)
			code = ext2fs_extent_fix_parents(h);
		if (!code)
			code = ext2fs_iblk_add_blocks(w->fs, inode, e.e_len);
		if (code)
			return code;
		w->told->pieces++;
		block += e.e_len;
		to += e.e_len;
		len -= e.e_len;
	}
	return 0;
}

/* Stores LEN blocks of the file from BLOCK on at the places from AT on. */
static int put_run(struct ext4_writer *w, ext2_extent_handle_t h, const struct ext4_numbered *n,
		   struct ext2_inode *inode, uint64_t block, uint64_t at, uint64_t len,
		   struct err **err)
{
	while (len) {
		blk64_t to;
		uint64_t got = ext4_blocks_at(w, at, len, &to);
		errcode_t code = ext4_add_extents(w, h, inode, block, to, got);

		if (code)
			return ext4_fail(code, n->path, "cannot store the extents", err);
		if (copy_blocks(w, n->inode, block, to, got, err) < 0)
			return -1;
		block += got;
		at += got;
		len -= got;
	}
	return 0;
}

int ext4_put_data(struct ext4_writer *w, const struct ext4_numbered *n,
		  struct ext2_inode_large *inode, struct err **err)
{
	struct ext2_inode *small = ext2fs_inode(inode);
	uint64_t block = 0, len, at = n->at;
	ext2_extent_handle_t h;
	errcode_t code = ext2fs_extent_open2(w->fs, n->ino, small, &h);
	int rc = 0;

	if (code)
		return ext4_fail(code, n->path, "cannot open the extents", err);
	while (rc == 0 && ext4_next_run(n->inode, &block, &len)) {
		rc = put_run(w, h, n, small, block, at, len, err);
		block += len;
		at += len;
	}
	ext2fs_extent_free(h);
	return rc;
}
