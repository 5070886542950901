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
	const char *image;
	struct fat_disk disk;
	fat_owner_fn *fn;
	void *arg;
	struct named_list todo; /* directories */
	size_t done;            /* of them */
};

/* ---- the file ---- */

/* Maps all of PATH from OFFSET on, as long as T lives; 1: there is no FAT. */
static int open_disk(struct tree *t, const char *path, uint64_t offset, uint64_t size,
		     struct fat_disk *ret, struct err **err)
{
	const void *map;
	const char *why;
	size_t len;

	if (tree_map_image(t, path, offset, &map, &len, err) < 0)
		return -1;
	if (!fat_disk_is(map, size < len ? size : len))
		return 1;
	why = fat_disk_open(map, size < len ? size : len, ret);
	return why ? err_set(err, E_FILESYSTEM_DAMAGED, "'%s' %s", path, why) : 0;
}

/* ---- whose ---- */

static int damaged(const struct owners *o, const char *path, const char *why, struct err **err)
{
	return err_set(err, E_FILESYSTEM_DAMAGED, "'%s': '%s' %s: run fsck.fat on a copy", o->image,
		       *path ? path : "/", why);
}

static int tell_chain(struct owners *o, uint32_t cluster, const char *path, struct err **err)
{
	struct fat_chain c = {.disk = &o->disk, .next = cluster};

	while (fat_chain_run(&c, UINT64_MAX))
		o->fn(o->arg, c.at, c.size, path);
	return c.bad ? damaged(o, path, c.bad, err) : 0;
}

static int tell_entry(struct owners *o, const char *dir, const struct fat_entry *e,
		      struct err **err)
{
	char *path cleanup_free = xasprintf("%s/%s", dir, e->name.buf);

	if (!(e->attr & FAT_ATTR_DIR))
		return tell_chain(o, e->cluster, path, err);
	if (strlen(path) >= PATH_MAX)
		return damaged(o, dir, "has directories in each other without end", err);
	named_list_push(&o->todo, (struct named){e->cluster, steal_ptr(path)});
	return 0;
}

/* The directory at CLUSTER; NULL: the root. */
static int tell_directory(struct owners *o, const uint32_t *cluster, const char *path,
			  struct err **err)
{
	struct fat_dir d cleanup_fat_dir = {0};
	const char *why =
		cluster ? fat_dir_open(&o->disk, *cluster, &d) : fat_dir_root(&o->disk, &d);

	for (size_t i = 0; i < d.runs.count; i++)
		o->fn(o->arg, d.runs.items[i].at, d.runs.items[i].size, path);
	while (!why && fat_dir_next(&d)) {
		if (tell_entry(o, path, &d.entry, err) < 0)
			return -1;
	}
	why = why ? why : d.bad;
	return why ? damaged(o, path, why, err) : 0;
}

static void owners_release(struct owners *o)
{
	for (size_t i = o->done; i < o->todo.count; i++)
		free(o->todo.items[i].path);
	named_list_clear(&o->todo);
	fat_disk_close(&o->disk);
}

int fat_each_owner(const char *path, uint64_t offset, uint64_t size, fat_owner_fn *fn, void *arg,
		   struct err **err)
{
	struct tree *t cleanup_tree = tree_new(0, NULL);
	struct owners o
		__attribute__((cleanup(owners_release))) = {.image = path, .fn = fn, .arg = arg};
	int rc = open_disk(t, path, offset, size, &o.disk, err);

	if (rc)
		return rc;
	if (tell_directory(&o, NULL, "", err) < 0)
		return -1;
	while (o.done < o.todo.count) {
		struct named n = o.todo.items[o.done++];
		char *name cleanup_free = n.path;

		if (tell_directory(&o, &n.cluster, name, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- nobody's ---- */

int fat_each_free(const char *path, uint64_t offset, uint64_t size, fat_free_fn *fn, void *arg,
		  struct err **err)
{
	struct tree *t cleanup_tree = tree_new(0, NULL);
	struct fat_disk d = {0};
	uint32_t from = 0;
	int rc = open_disk(t, path, offset, size, &d, err);

	if (rc)
		return rc;
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

#define BOOT_STATE(bits) ((bits) == 32 ? 65 : 37) /* in the boot sector, as Linux keeps it */
#define BOOT_DIRTY 1
#define CLEAN(bits) ((bits) == 32 ? 1u << 27 : 1u << 15) /* in the table, of cluster 1 */
#define NO_ERRORS(bits) ((bits) == 32 ? 1u << 26 : 1u << 14)

const char *fat_state(int fd, uint64_t offset)
{
	static const char unread[] = "cannot be read: the disk has an error";
	unsigned char boot[FAT_BOOT], table[8];
	ssize_t got = pread(fd, boot, sizeof(boot), (off_t)offset);
	uint32_t flags = UINT32_MAX;
	struct fat_disk d;
	const char *why;

	if (got < 0)
		return unread;
	if (!fat_disk_is(boot, (uint64_t)got))
		return NULL;
	why = fat_disk_parse(boot, &d);
	if (why)
		return why;
	got = pread(fd, table, sizeof(table), (off_t)(offset + d.table));
	if (got != sizeof(table))
		return got < 0 ? unread : "ends before its table does";
	if (d.bits > 12)
		flags = d.bits == 32 ? fat_get32(table + 4) : fat_get16(table + 2);
	if (!(flags & NO_ERRORS(d.bits)))
		return "has errors: run fsck.fat on a copy";
	return flags & CLEAN(d.bits) && !(boot[BOOT_STATE(d.bits)] & BOOT_DIRTY)
		       ? "clean"
		       : "was not unmounted";
}
