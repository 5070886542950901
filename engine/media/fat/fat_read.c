/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A FAT file system as a tree. */
#include <sys/stat.h>

#include "base/file.h"
#include "media/fat/fat.h"
#include "media/fat/fat_priv.h"
#include "media/tree/tree_priv.h"

/* A directory that was found and is still to be read. */
struct found {
	uint32_t cluster;
	const char *path; /* the tree's */
};
DEFINE_VEC(found_list, struct found)

struct reader {
	struct tree *t;
	const char *name;
	struct fat_disk disk;
	struct found_list todo;
};

static int damaged(const struct reader *r, const char *path, const char *why, struct err **err)
{
	return err_set(err, E_FILESYSTEM_DAMAGED, "'%s': '/%s' %s: run fsck.fat on a copy", r->name,
		       path, why);
}

static int read_data(struct reader *r, const struct fat_entry *e, const char *path,
		     struct tree_inode *inode, struct err **err)
{
	struct fat_chain c = {.disk = &r->disk, .next = e->cluster};
	uint64_t at = 0;

	inode->size = e->size;
	while (at < e->size && fat_chain_run(&c, e->size - at)) {
		uint64_t len = c.size < e->size - at ? c.size : e->size - at;

		tree_inode_refer(r->t, inode, at, r->disk.map + c.at, (size_t)len);
		at += len;
	}
	if (at < e->size)
		return damaged(r, path, c.bad ? c.bad : "ends before its size does", err);
	return 0;
}

/* FAT knows neither owners nor modes: they are as when Linux mounts it. */
static mode_t mode_of(const struct fat_entry *e)
{
	if (e->attr & FAT_ATTR_DIR)
		return S_IFDIR | 0755;
	return S_IFREG | (e->attr & FAT_ATTR_READ_ONLY ? 0555 : 0755);
}

static int read_entry(struct reader *r, const char *dir, const struct fat_entry *e,
		      struct err **err)
{
	char *path cleanup_free = xasprintf("%s%s%s", dir, *dir ? "/" : "", e->name.buf);
	struct tree_inode *inode = tree_inode_new(r->t, mode_of(e), 0, 0, e->mtime);
	const struct tree_entry *there = tree_lookup(r->t, path);

	if (there && there->inode->seq == r->t->seq)
		return damaged(r, path, "is there twice", err);
	if (!(e->attr & FAT_ATTR_DIR) && read_data(r, e, path, inode, err) < 0)
		return -1;
	if (tree_put(r->t, path, inode, 0, true, err) < 0)
		return -1;
	if (e->attr & FAT_ATTR_DIR)
		found_list_push(&r->todo,
				(struct found){e->cluster, tree_lookup(r->t, path)->path});
	return 0;
}

static int read_directory(struct reader *r, const struct found *f, struct err **err)
{
	struct fat_dir d cleanup_fat_dir = {0};
	const char *why = f ? fat_dir_open(&r->disk, f->cluster, &d) : fat_dir_root(&r->disk, &d);
	const char *path = f ? f->path : "";

	while (!why && fat_dir_next(&d)) {
		if (read_entry(r, path, &d.entry, err) < 0)
			return -1;
	}
	why = why ? why : d.bad;
	return why ? damaged(r, path, why, err) : 0;
}

static void reader_release(struct reader *r)
{
	found_list_clear(&r->todo);
	fat_disk_close(&r->disk);
}

int fat_read_tree(struct tree *t, const char *path, uint64_t offset, uint64_t size,
		  struct err **err)
{
	struct reader r __attribute__((cleanup(reader_release))) = {.t = t, .name = path};
	const char *why;
	const void *map;
	size_t len;

	if (tree_map_image(t, path, offset, &map, &len, err) < 0)
		return -1;
	why = fat_disk_open(map, size < len ? size : len, &r.disk);
	if (why)
		return err_set(err, E_FILESYSTEM_DAMAGED, "'%s' %s", path, why);
	tree_begin(t);
	if (read_directory(&r, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < r.todo.count; i++) {
		struct found f = r.todo.items[i]; /* the list may move */

		if (read_directory(&r, &f, err) < 0)
			return -1;
	}
	return 0;
}
