/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of a file system holds nothing. */
#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "media/ext4/ext4_priv.h"

static void tell_free(ext2_filsys fs, ext4_free_fn *fn, void *arg)
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
}

int ext4_each_free(const char *path, uint64_t offset, ext4_free_fn *fn, void *arg, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	struct ext4_walk w cleanup_ext4_walk = {0};
	char *what cleanup_free = NULL;
	errcode_t code;

	if (fd < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", path);
	if (!ext4_state(fd, offset))
		return 1;
	code = ext4_open(path, offset, 0, &w.fs);
	if (!code)
		code = ext2fs_read_bitmaps(w.fs);
	/* a cluster is several blocks, and a journal to replay knows better */
	if (!code && !ext2fs_has_feature_bigalloc(w.fs->super) &&
	    !ext2fs_has_feature_journal_needs_recovery(w.fs->super))
		tell_free(w.fs, fn, arg);
	if (!code || ext4_is_foreign(code))
		return code != 0;
	what = xasprintf("'%s': cannot read what is free in the file system", path);
	return ext4_unread(code, what, err);
}
