/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `size: auto`: as large as the content needs, and the headroom that is asked for. */
#include <sys/stat.h>

#include "base/path.h"
#include "kinds/image/image_opts.h"

#define BLOCK IMAGE_BLOCK
#define FAT_LEAST ((uint64_t)4 << 20)
#define EXT4_INODE 256
#define EXT4_JOURNAL_LEAST ((uint64_t)4 << 20)

static uint64_t round_up(uint64_t n)
{
	return (n + BLOCK - 1) / BLOCK * BLOCK;
}

/* What the files of T hold, in whole blocks, and how many names there are. */
static uint64_t content_of(struct tree *t, size_t *ret_names)
{
	struct tree_entry *const *entries = tree_entries(t, ret_names);
	uint64_t bytes = 0;

	for (size_t i = 0; i < *ret_names; i++) {
		const struct tree_inode *n = entries[i]->inode;

		if (!S_ISREG(n->mode))
			bytes += S_ISDIR(n->mode) ? BLOCK : 0;
		for (size_t k = 0; k < n->segment_count; k++)
			bytes += round_up(n->segments[k].len);
	}
	return bytes;
}

/* A first guess for a file system with the content of T: no more than it takes. */
static uint64_t guess(enum image_fs_type type, struct tree *t)
{
	size_t names;
	uint64_t bytes = content_of(t, &names);

	if (type == IMAGE_FS_VFAT)
		return bytes + bytes / 256 < FAT_LEAST ? FAT_LEAST : bytes + bytes / 256;
	return round_up(bytes + bytes / 64 + names * EXT4_INODE + EXT4_JOURNAL_LEAST);
}

static uint64_t with_headroom(uint64_t size, unsigned percent)
{
	return round_up(size + size / 100 * percent);
}

int image_write_auto(struct action *a, struct image_plan *p, struct err **err)
{
	const struct image_opts *o = a->opts;
	struct image_fs *fs = &p->fs.items[0];
	uint64_t size = guess(fs->type, fs->tree);

	if (image_is_packed(fs->type)) {
		fs->size = fs->packed_size;
		p->size = fs->size + (o->verity ? verity_overhead(fs->size) : 0);
		return image_write_direct(a, p, err);
	}
	for (;; size += size / 24) {
		struct err *full cleanup_err = NULL;

		fs->size = with_headroom(size, image_headroom(o));
		p->size = fs->size + (o->verity ? verity_overhead(fs->size) : 0);
		if (image_write_direct(a, p, &full) == 0)
			return 0;
		if (full->code != E_IMAGE_TOO_SMALL) {
			*err = steal_ptr(full);
			return -1;
		}
		if (path_remove(p->path, err) < 0)
			return -1;
	}
}
