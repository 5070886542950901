/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose a cluster is, which are free, and what state a file system was left in. */
#include <limits.h>
#include <unistd.h>

#include "base/file.h"
#include "media/fat/fat.h"
#include "media/fat/fat_priv.h"
#include "media/tree/tree_priv.h"

struct named {
	uint32_t cluster;
	char *path;
};
DEFINE_VEC(named_list, struct named)

struct owners {
	struct fat_disk disk;
	fat_owner_fn *fn;
	void *arg;
	struct named_list todo; /* directories */
};

/* ---- the file ---- */

/* Maps all of PATH from OFFSET on, as long as T lives; 1: there is no FAT. */
static int open_disk(struct tree *t, const char *path, uint64_t offset, uint64_t size,
		     struct fat_disk *ret)
{
	struct err *ignored cleanup_err = NULL;
	const void *map;
	size_t len;

	if (tree_map_image(t, path, offset, &map, &len, &ignored) < 0)
		return 1;
	return fat_disk_open(map, size < len ? size : len, ret) ? 1 : 0;
}

/* ---- whose ---- */

static void tell_chain(struct owners *o, uint32_t cluster, const char *path)
{
	struct fat_chain c = {.disk = &o->disk, .next = cluster};

	while (fat_chain_run(&c, UINT64_MAX))
		o->fn(o->arg, c.at, c.size, path);
}

static void tell_entry(struct owners *o, const char *dir, const struct fat_entry *e)
{
	char *path = xasprintf("%s/%s", dir, e->name.buf);

	if (!(e->attr & FAT_ATTR_DIR))
		tell_chain(o, e->cluster, path);
	else if (strlen(path) < PATH_MAX) {
		named_list_push(&o->todo, (struct named){e->cluster, path});
		return;
	}
	free(path);
}

/* DIR is what was read of it. */
static void tell_directory(struct owners *o, struct fat_dir *dir, const char *path)
{
	for (size_t i = 0; i < dir->runs.count; i++)
		o->fn(o->arg, dir->runs.items[i].at, dir->runs.items[i].size, path);
	while (fat_dir_next(dir))
		tell_entry(o, path, &dir->entry);
}

static void tell_root(struct owners *o)
{
	struct fat_dir d cleanup_fat_dir = {0};

	(void)fat_dir_root(&o->disk, &d);
	tell_directory(o, &d, "");
}

int fat_each_owner(const char *path, uint64_t offset, uint64_t size, fat_owner_fn *fn, void *arg)
{
	struct tree *t cleanup_tree = tree_new(0, NULL);
	struct owners o = {.fn = fn, .arg = arg};

	if (open_disk(t, path, offset, size, &o.disk))
		return 1;
	tell_root(&o);
	for (size_t i = 0; i < o.todo.count; i++) {
		struct fat_dir d cleanup_fat_dir = {0};
		char *name cleanup_free = o.todo.items[i].path;

		(void)fat_dir_open(&o.disk, o.todo.items[i].cluster, &d);
		tell_directory(&o, &d, name);
	}
	named_list_clear(&o.todo);
	fat_disk_close(&o.disk);
	return 0;
}

/* ---- nobody's ---- */

int fat_each_free(const char *path, uint64_t offset, uint64_t size, fat_free_fn *fn, void *arg)
{
	struct tree *t cleanup_tree = tree_new(0, NULL);
	struct fat_disk d;
	uint32_t from = 0;

	if (open_disk(t, path, offset, size, &d))
		return 1;
	for (uint32_t i = 2; i <= d.end; i++) {
		bool is_free = i < d.end && !fat_disk_entry(&d, i);

		if (is_free && !from)
			from = i;
		if (is_free || !from)
			continue;
		fn(arg, d.data + (from - 2ull) * d.cluster_bytes,
		   (uint64_t)(i - from) * d.cluster_bytes);
		from = 0;
	}
	fat_disk_close(&d);
	return 0;
}

/* ---- its state ---- */

#define BOOT 512
#define BOOT_STATE(bits) ((bits) == 32 ? 65 : 37) /* in the boot sector, as Linux keeps it */
#define BOOT_DIRTY 1
#define CLEAN(bits) ((bits) == 32 ? 1u << 27 : 1u << 15) /* in the table, of cluster 1 */
#define NO_ERRORS(bits) ((bits) == 32 ? 1u << 26 : 1u << 14)

const char *fat_state(int fd, uint64_t offset)
{
	unsigned char boot[BOOT], table[8];
	uint32_t flags = UINT32_MAX;
	struct fat_disk d;

	if (pread(fd, boot, BOOT, (off_t)offset) != BOOT || fat_disk_parse(boot, &d))
		return NULL;
	if (pread(fd, table, sizeof(table), (off_t)(offset + d.table)) != sizeof(table))
		return "ends before its table does";
	if (d.bits > 12)
		flags = d.bits == 32 ? fat_get32(table + 4) : fat_get16(table + 2);
	if (!(flags & NO_ERRORS(d.bits)))
		return "has errors: run fsck.fat on a copy";
	return flags & CLEAN(d.bits) && !(boot[BOOT_STATE(d.bits)] & BOOT_DIRTY)
		       ? "clean"
		       : "was not unmounted";
}
