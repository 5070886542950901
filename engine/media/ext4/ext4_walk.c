/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What somebody else wrote, opened and gone through name by name. */
#include <errno.h>
#include <et/com_err.h>
#include <string.h>

#include "media/ext4/ext4_priv.h"

bool ext4_is_foreign(errcode_t code)
{
	return code == EXT2_ET_UNSUPP_FEATURE || code == EXT2_ET_RO_UNSUPP_FEATURE ||
	       code == EXT2_ET_REV_TOO_HIGH;
}

int ext4_unread(errcode_t code, const char *what, struct err **err)
{
	if (code == ENOMEM || code == EXT2_ET_NO_MEMORY)
		return err_errno(err, E_NO_MEMORY, ENOMEM, "%s", what);
	initialize_ext2_error_table();
	if (ext4_is_foreign(code))
		return err_set(err, E_UNPACK_FORMAT, "%s: %s", what, error_message(code));
	return err_set(err, E_FILESYSTEM_DAMAGED, "%s: %s: run e2fsck on a copy", what,
		       error_message(code));
}

errcode_t ext4_open(const char *path, uint64_t offset, int flags, ext2_filsys *ret_fs)
{
	char *where cleanup_free = xasprintf("offset=%llu", (unsigned long long)offset);
	errcode_t code = ext2fs_open2(path, offset ? where : NULL, EXT2_FLAG_64BITS | flags, 0, 0,
				      unix_io_manager, ret_fs);

	if (code || (*ret_fs)->super->s_first_data_block <= 1)
		return code;
	ext2fs_free(*ret_fs);
	*ret_fs = NULL;
	return EXT2_ET_CORRUPT_SUPERBLOCK;
}

struct ext4_limit ext4_limit_of(ext2_filsys fs, uint64_t len)
{
	bool shared = fs->super->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_SHARED_BLOCKS;
	uint64_t blocks = len / fs->blocksize;

	if (blocks > ext2fs_blocks_count(fs->super))
		blocks = ext2fs_blocks_count(fs->super);
	/* an extent is counted beside its blocks; an entry has at least twelve bytes */
	return (struct ext4_limit){.blocks = blocks * (shared ? 32 : 2),
				   .names = blocks * fs->blocksize / 12};
}

errcode_t ext4_walk_open(struct ext4_walk *w, const char *path, uint64_t offset, uint64_t len)
{
	errcode_t code = ext4_open(path, offset, 0, &w->fs);

	if (!code)
		w->left = ext4_limit_of(w->fs, len);
	return code;
}

struct adding {
	struct ext4_walk *w;
	const char *dir;
	bool bad;
};

static int add_name(ext2_ino_t dir, int entry, struct ext2_dir_entry *e, int offset, int blocksize,
		    char *buf, void *arg)
{
	struct adding *a = arg;
	int len = ext2fs_dirent_name_len(e);

	a->bad = !ext4_take(&a->w->left.names, 1);
	if (a->bad)
		return DIRENT_ABORT;
	if (!e->inode || (len == 1 && e->name[0] == '.') || (len == 2 && !memcmp(e->name, "..", 2)))
		return 0;
	ext4_names_push(
		&a->w->todo,
		(struct ext4_name){e->inode, *a->dir ? xasprintf("%s/%.*s", a->dir, len, e->name)
						     : xasprintf("%.*s", len, e->name)});
	return 0;
}

errcode_t ext4_walk_directory(struct ext4_walk *w, ext2_ino_t ino, const char *path)
{
	struct adding a = {w, path, false};
	errcode_t code =
		ext2fs_dir_iterate2(w->fs, ino, DIRENT_FLAG_INCLUDE_EMPTY, NULL, add_name, &a);

	return code ? code : a.bad ? EXT2_ET_DIR_CORRUPTED : 0;
}

bool ext4_walk_next(struct ext4_walk *w, ext2_ino_t *ret_ino, char **ret_path)
{
	struct ext4_name *n;

	if (w->done == w->todo.count)
		return false;
	n = &w->todo.items[w->done++];
	*ret_ino = n->ino;
	*ret_path = steal_ptr(n->path);
	return true;
}

void ext4_walk_free(struct ext4_walk *w)
{
	for (size_t i = w->done; i < w->todo.count; i++)
		free(w->todo.items[i].path);
	ext4_names_clear(&w->todo);
	if (w->fs)
		ext2fs_free(w->fs);
}
