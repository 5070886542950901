/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of a file system holds nothing. */
#include "media/ext4/ext4_priv.h"

static errcode_t walk(ext2_filsys fs, ext4_free_fn *fn, void *arg)
{
	blk64_t first = 0, end = ext2fs_blocks_count(fs->super);
	blk64_t at = fs->super->s_first_data_block;

	while (at < end) {
		blk64_t used = end;

		if (ext2fs_find_first_zero_block_bitmap2(fs->block_map, at, end - 1, &first))
			break;
		if (ext2fs_find_first_set_block_bitmap2(fs->block_map, first, end - 1, &used))
			used = end;
		fn(arg, first * fs->blocksize, (used - first) * fs->blocksize);
		at = used;
	}
	return 0;
}

int ext4_each_free(const char *path, uint64_t offset, ext4_free_fn *fn, void *arg)
{
	ext2_filsys fs = NULL;
	errcode_t code = ext4_open(path, offset, 0, &fs);

	if (code)
		return 1;
	code = ext2fs_read_bitmaps(fs);
	/* a cluster is several blocks, and a journal to replay knows better */
	if (!code && !ext2fs_has_feature_bigalloc(fs->super) &&
	    !ext2fs_has_feature_journal_needs_recovery(fs->super))
		code = walk(fs, fn, arg);
	ext2fs_free(fs);
	return code != 0;
}
