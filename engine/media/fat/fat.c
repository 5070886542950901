/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/fat/fat.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/vec.h"
#include "media/fat/fat_priv.h"

#define SECTOR 512u
#define FAT16_ROOT_SLOTS 512
#define FAT32_RESERVED 32
#define FAT32_MIN_CLUSTERS 65525
#define COPY_SIZE (1u << 20)

/* A file or directory; children are contiguous neither in memory nor on disk, hence a list. */
struct node {
	const struct tree_inode *inode;
	const char *path;
	struct fat_name name;
	struct node *parent;
	struct node **children;
	size_t child_count, child_cap;
	struct map taken;
	size_t slots; /* of a directory */
	uint32_t cluster, clusters;
};
DEFINE_VEC(node_ptrs, struct node *)

struct fat {
	const char *name;
	const struct fat_opts *opts;
	struct arena *arena;
	struct node_ptrs nodes; /* root first, sorted by path */
	int fd;
	uint64_t offset;
	bool is32;
	uint32_t sectors, per_cluster, reserved, fat_sectors, root_sectors;
	uint32_t clusters, used; /* in all; taken from the front */
	unsigned char *table;
	char *copy;
};

static void put16(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)v;
	p[1] = (unsigned char)(v >> 8);
}

static void put32(unsigned char *p, uint32_t v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

/* ---- geometry ---- */

static uint32_t div_up(uint64_t a, uint64_t b)
{
	return (uint32_t)((a + b - 1) / b);
}

/* Sets everything that follows from the sectors of a cluster. */
static void measure(struct fat *f, uint32_t per_cluster)
{
	uint32_t entry = f->is32 ? 4 : 2;
	uint64_t rest;

	f->per_cluster = per_cluster;
	f->reserved = f->is32 ? FAT32_RESERVED : 1;
	f->root_sectors = f->is32 ? 0 : FAT16_ROOT_SLOTS * FAT_SLOT / SECTOR;
	f->fat_sectors = 1;
	for (;;) { /* the tables take room from what they describe */
		rest = f->sectors - f->reserved - f->root_sectors - 2ull * f->fat_sectors;
		f->clusters = (uint32_t)(rest / per_cluster);
		if ((f->clusters + 2ull) * entry <= (uint64_t)f->fat_sectors * SECTOR)
			break;
		f->fat_sectors = div_up((f->clusters + 2ull) * entry, SECTOR) > f->fat_sectors
					 ? div_up((f->clusters + 2ull) * entry, SECTOR)
					 : f->fat_sectors + 1;
	}
}

static int choose_geometry(struct fat *f, struct err **err)
{
	uint64_t sectors = f->opts->size / SECTOR;
	uint32_t per = 1;

	if (fat_check_size(f->opts->size, f->name, err) < 0)
		return -1;
	f->sectors = (uint32_t)sectors;
	f->is32 = true;
	if (sectors > 260u * 2048) /* as Microsoft's table: 4 KiB, from 8 GiB on more */
		per = 8;
	while (per < 64 && sectors / per > 2097152)
		per *= 2;
	measure(f, per);
	if (f->clusters >= FAT32_MIN_CLUSTERS)
		return 0;
	f->is32 = false;
	for (per = 1; measure(f, per), f->clusters >= FAT32_MIN_CLUSTERS - 1;)
		per *= 2;
	return 0;
}

/* ---- what is to be written ---- */

static struct node *new_node(struct fat *f, const struct tree_entry *e, struct node *parent)
{
	struct node *n = arena_alloc(f->arena, sizeof(*n));

	n->inode = e->inode;
	n->path = e->path;
	n->parent = parent;
	n->slots = parent ? 2 : 1; /* "." and ".."; the root has the label */
	node_ptrs_push(&f->nodes, n);
	if (!parent)
		return n;
	if (parent->child_count == parent->child_cap) {
		struct node **more;

		parent->child_cap = parent->child_cap ? 2 * parent->child_cap : 8;
		more = arena_alloc(f->arena, parent->child_cap * sizeof(struct node *));
		if (parent->child_count)
			memcpy(more, parent->children, parent->child_count * sizeof(struct node *));
		parent->children = more;
	}
	parent->children[parent->child_count++] = n;
	return n;
}

static int check_entry(struct fat *f, const struct tree_entry *e, struct err **err)
{
	if (S_ISLNK(e->inode->mode))
		return err_set(
			err, E_FAT_CANNOT_HOLD,
			"%s: '/%s' is a symbolic link, which FAT does not know: copy its target or "
			"remove it",
			f->name, e->path);
	if (!S_ISREG(e->inode->mode) && !S_ISDIR(e->inode->mode))
		return err_set(err, E_FAT_CANNOT_HOLD,
			       "%s: '/%s' is a special file, which FAT does not know: remove it",
			       f->name, e->path);
	if (S_ISREG(e->inode->mode) && e->inode->size > UINT32_MAX)
		return err_set(err, E_FAT_CANNOT_HOLD,
			       "%s: '/%s' is larger than 4 GiB, which FAT cannot hold", f->name,
			       e->path);
	return 0;
}

typedef const char *name_fn(const char *name, struct map *taken, struct arena *arena,
			    struct fat_name *ret);

/* Half of N's name, see media/fat/fat_name.h. */
static int name_it(struct fat *f, name_fn *half, struct node *n, struct err **err)
{
	const char *why = half(path_base(n->path), &n->parent->taken, f->arena, &n->name);

	if (why)
		return err_set(err, E_FAT_CANNOT_HOLD, "%s: the name '/%s' %s", f->name, n->path,
			       why);
	return 0;
}

static int give_short_names(struct fat *f, struct err **err)
{
	for (size_t i = 1; i < f->nodes.count; i++) {
		struct node *n = f->nodes.items[i];

		if (name_it(f, fat_name_short, n, err) < 0)
			return -1;
		n->parent->slots += fat_name_slots(&n->name);
		if (n->parent->slots > FAT_DIR_SLOTS_MAX)
			return err_set(err, E_FAT_CANNOT_HOLD,
				       "%s: directory '/%s' has too many files for FAT: it holds "
				       "%u entries of 32 bytes, and a long name takes several: use "
				       "subdirectories",
				       f->name, n->parent->path, FAT_DIR_SLOTS_MAX);
	}
	return 0;
}

static int gather(struct fat *f, struct tree *t, struct err **err)
{
	struct map by_path cleanup_map = {0};
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		struct node *parent = NULL, *n;

		if (check_entry(f, entries[i], err) < 0)
			return -1;
		if (i) {
			char *dir cleanup_free = path_dir(entries[i]->path);

			parent = map_get(&by_path, str_eq(dir, ".") ? "" : dir);
		}
		n = new_node(f, entries[i], parent);
		map_set(&by_path, n->path, n);
		if (!parent)
			continue;
		if (name_it(f, fat_name_long, n, err) < 0)
			return -1;
	}
	return give_short_names(f, err);
}

/* ---- clusters ---- */

static uint32_t cluster_bytes(const struct fat *f)
{
	return f->per_cluster * SECTOR;
}

static int allocate(struct fat *f, struct err **err)
{
	uint64_t need = 0;
	char *needs cleanup_free = NULL, *has cleanup_free = NULL;

	for (size_t i = 0; i < f->nodes.count; i++) {
		struct node *n = f->nodes.items[i];
		uint64_t bytes = S_ISDIR(n->inode->mode) ? n->slots * FAT_SLOT : n->inode->size;

		if (!i && !f->is32) {
			if (n->slots > FAT16_ROOT_SLOTS)
				return err_set(
					err, E_IMAGE_TOO_SMALL,
					"%s: its top directory has too many files for FAT16: use "
					"directories or at least 34 MiB",
					f->name);
			continue;
		}
		n->clusters = div_up(bytes, cluster_bytes(f));
		n->cluster = n->clusters ? (uint32_t)(need + 2) : 0;
		need += n->clusters;
	}
	if (need > f->clusters) {
		needs = str_bytes(need * cluster_bytes(f));
		has = str_bytes((uint64_t)f->clusters * cluster_bytes(f));
		return err_set(err, E_IMAGE_TOO_SMALL,
			       "%s: its content needs %s (%llu bytes), but there is room for %s: "
			       "raise its size or remove something",
			       f->name, needs, (unsigned long long)need * cluster_bytes(f), has);
	}
	f->used = (uint32_t)need;
	return 0;
}

static void set_entry(struct fat *f, uint32_t cluster, uint32_t value)
{
	if (f->is32)
		put32(f->table + 4ull * cluster, value & 0x0fffffff);
	else
		put16(f->table + 2ull * cluster, value & 0xffff);
}

static int write_at(struct fat *f, const void *data, size_t len, uint64_t sector, struct err **err)
{
	return fd_pwrite_all(f->fd, f->name, data, len, f->offset + sector * SECTOR, err);
}

static int write_tables(struct fat *f, struct err **err)
{
	size_t used = (f->used + 2ull) * (f->is32 ? 4 : 2);
	size_t whole = div_up(used, SECTOR) * (size_t)SECTOR; /* the rest reads as zeros */

	f->table = xcalloc(1, whole);
	set_entry(f, 0, 0x0ffffff8);
	set_entry(f, 1, 0x0fffffff);
	for (size_t i = 0; i < f->nodes.count; i++) {
		struct node *n = f->nodes.items[i];

		for (uint32_t k = 0; k < n->clusters; k++)
			set_entry(f, n->cluster + k,
				  k + 1 == n->clusters ? 0x0fffffff : n->cluster + k + 1);
	}
	if (write_at(f, f->table, whole, f->reserved, err) < 0)
		return -1;
	return write_at(f, f->table, whole, f->reserved + f->fat_sectors, err);
}

/* ---- boot sector ---- */

static void label_text(const struct fat *f, unsigned char to[FAT_SHORT])
{
	const char *label = f->opts->label ? f->opts->label : "NO NAME";

	memset(to, ' ', FAT_SHORT);
	for (size_t i = 0; i < FAT_SHORT && label[i]; i++)
		to[i] = (unsigned char)toupper((unsigned char)label[i]);
}

/* The part that FAT16 has at byte 36 and FAT32 at byte 64. */
static void fill_extended(const struct fat *f, unsigned char *p)
{
	p[0] = 0x80;
	p[2] = 0x29;
	put32(p + 3, f->opts->volume);
	label_text(f, p + 7);
	memcpy(p + 18, f->is32 ? "FAT32   " : "FAT16   ", 8);
}

static void fill_boot(const struct fat *f, unsigned char *b)
{
	memset(b, 0, SECTOR);
	memcpy(b, f->is32 ? "\xeb\x58\x90" : "\xeb\x3c\x90", 3);
	memcpy(b + 3, "MSWIN4.1", 8);
	put16(b + 11, SECTOR);
	b[13] = (unsigned char)f->per_cluster;
	put16(b + 14, f->reserved);
	b[16] = 2;
	put16(b + 17, f->is32 ? 0 : FAT16_ROOT_SLOTS);
	b[21] = 0xf8;
	put16(b + 24, 63);
	put16(b + 26, 255);
	if (!f->is32 && f->sectors < 65536)
		put16(b + 19, f->sectors);
	else
		put32(b + 32, f->sectors);
	if (f->is32) {
		put32(b + 36, f->fat_sectors);
		put32(b + 44, 2); /* first cluster of the root */
		put16(b + 48, 1); /* information sector */
		put16(b + 50, 6); /* copy of this one */
		fill_extended(f, b + 64);
	} else {
		put16(b + 22, f->fat_sectors);
		fill_extended(f, b + 36);
	}
	put16(b + 510, 0xaa55);
}

static int write_boot(struct fat *f, struct err **err)
{
	unsigned char b[2 * SECTOR] = {0};
	unsigned char *info = b + SECTOR;

	fill_boot(f, b);
	if (!f->is32)
		return write_at(f, b, SECTOR, 0, err);
	memcpy(info, "RRaA", 4);
	memcpy(info + 484, "rrAa", 4);
	put32(info + 488, f->clusters - f->used);
	put32(info + 492, f->used + 1); /* the last one taken */
	put32(info + 508, 0xaa550000);
	if (write_at(f, b, sizeof(b), 0, err) < 0)
		return -1;
	return write_at(f, b, sizeof(b), 6, err);
}

/* ---- content ---- */

/* Seconds since 1970 in UTC as FAT's time (low half) and date (high half), which begin in 1980. */
static uint32_t fat_time(int64_t seconds)
{
	time_t t = seconds < 315532800 ? 315532800 : (time_t)seconds;
	struct tm tm;

	gmtime_r(&t, &tm);
	if (tm.tm_year > 207)
		tm.tm_year = 207;
	return (uint32_t)(tm.tm_sec / 2 | tm.tm_min << 5 | tm.tm_hour << 11 | tm.tm_mday << 16 |
			  (tm.tm_mon + 1) << 21) |
	       (uint32_t)(tm.tm_year - 80) << 25;
}

static unsigned char *put_slot(unsigned char *to, const void *shortname, int attr, uint32_t when,
			       uint32_t cluster, uint32_t size)
{
	memset(to, 0, FAT_SLOT);
	memcpy(to, shortname, FAT_SHORT);
	to[11] = (unsigned char)attr;
	put32(to + 14, when);
	put16(to + 18, when >> 16);
	put16(to + 20, cluster >> 16);
	put32(to + 22, when);
	put16(to + 26, cluster);
	put32(to + 28, size);
	return to + FAT_SLOT;
}

static uint64_t first_sector(const struct fat *f, const struct node *n)
{
	uint64_t data = f->reserved + 2ull * f->fat_sectors;

	if (!n->cluster)
		return data; /* the root of FAT16 */
	return data + f->root_sectors + (n->cluster - 2ull) * f->per_cluster;
}

static int write_directory(struct fat *f, const struct node *n, struct err **err)
{
	unsigned char *data cleanup_free = xcalloc(n->slots, FAT_SLOT), *p = data;
	unsigned char label[FAT_SHORT];
	uint32_t when = fat_time(n->inode->mtime), up = 0;

	if (n->parent) {
		up = n->parent->parent ? n->parent->cluster : 0;
		p = put_slot(p, ".          ", FAT_ATTR_DIR, when, n->cluster, 0);
		p = put_slot(p, "..         ", FAT_ATTR_DIR, fat_time(n->parent->inode->mtime), up,
			     0);
	} else if (f->opts->label) {
		label_text(f, label);
		p = put_slot(p, label, FAT_ATTR_LABEL, when, 0, 0);
	}
	for (size_t i = 0; i < n->child_count; i++) {
		const struct node *c = n->children[i];
		bool is_dir = S_ISDIR(c->inode->mode);

		p = fat_name_write(&c->name, p);
		p = put_slot(p, c->name.shortname, is_dir ? FAT_ATTR_DIR : FAT_ATTR_FILE,
			     fat_time(c->inode->mtime), c->cluster,
			     is_dir ? 0 : (uint32_t)c->inode->size);
	}
	return write_at(f, data, n->slots * FAT_SLOT, first_sector(f, n), err);
}

static int write_file(struct fat *f, const struct node *n, struct err **err)
{
	uint64_t sector = first_sector(f, n);

	for (uint64_t pos = 0; pos < n->inode->size; pos += COPY_SIZE) {
		uint64_t left = n->inode->size - pos;
		size_t len = left < COPY_SIZE ? (size_t)left : COPY_SIZE;

		tree_inode_read(n->inode, pos, f->copy, len);
		if (f->copy[0] == 0 && !memcmp(f->copy, f->copy + 1, len - 1))
			continue;
		if (write_at(f, f->copy, len, sector + pos / SECTOR, err) < 0)
			return -1;
	}
	return 0;
}

static void fat_release(struct fat *f)
{
	for (size_t i = 0; i < f->nodes.count; i++)
		map_clear(&f->nodes.items[i]->taken);
	node_ptrs_clear(&f->nodes);
	arena_free(f->arena);
	free(f->table);
	free(f->copy);
	if (f->fd >= 0)
		close(f->fd);
}

int fat_write(struct tree *t, const char *path, uint64_t offset, const char *name,
	      const struct fat_opts *opts, struct err **err)
{
	struct fat f __attribute__((cleanup(fat_release))) = {
		.name = name, .opts = opts, .offset = offset, .fd = -1};

	f.arena = arena_new();
	f.copy = xmalloc(COPY_SIZE);
	f.fd = open(path, O_WRONLY | O_CLOEXEC);
	if (f.fd < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", path);
	if (fat_check_label(opts->label, name, err) < 0 || choose_geometry(&f, err) < 0 ||
	    gather(&f, t, err) < 0 || allocate(&f, err) < 0 || write_tables(&f, err) < 0 ||
	    write_boot(&f, err) < 0)
		return -1;
	for (size_t i = 0; i < f.nodes.count; i++) {
		const struct node *n = f.nodes.items[i];
		int rc = S_ISDIR(n->inode->mode) ? write_directory(&f, n, err)
						 : write_file(&f, n, err);

		if (rc < 0)
			return -1;
	}
	return 0;
}
