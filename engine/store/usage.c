/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies in the store, and whose it is. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/path.h"
#include "store/gc_items.h"
#include "store/inventory.h"

static const struct {
	const char *name, *what;
} parts[] = {
	{"cas", "results, by content"},
	{"records", "what made results, beside the database"},
	{"left", "where farms keep what they made"},
	{"downloads", "fetched files, by content"},
	{"apt", "package lists"},
	{"roots", "unpacked trees that steps run in"},
	{"caches", "what builds keep for themselves"},
	{"failed", "work directories of failed nodes"},
	{"logs", "what nodes printed"},
	{"tmp", "work directories of running nodes"},
	{"quarantine", "damaged files"},
	{"state.sqlite", "the database: records, history, digests of project files"},
	{"state.sqlite-wal", "what goes into the database next"},
	{"state.sqlite-shm", "an index of that"},
	{"locks", "which results are being built"},
};

struct counting {
	struct inventory *v;
	struct store_part *part;
};

static int count_file(void *arg, const char *name, const struct stat *st, struct err **err)
{
	struct counting *c = arg;
	uint64_t bytes = (uint64_t)st->st_blocks * 512;

	c->part->files++;
	c->part->bytes += bytes;
	if (!map_get(&c->v->names, name))
		c->part->unnamed += bytes;
	return 0;
}

/* Of the store's directory itself. */
static uint64_t own_bytes(const struct store *s)
{
	struct stat st;

	return lstat(s->dir, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

static int count_parts(struct store *s, struct inventory *v, struct store_usage *ret,
		       struct err **err)
{
	ret->parts = arena_alloc(v->arena, array_len(parts) * sizeof(*ret->parts));
	ret->bytes = own_bytes(s);
	for (size_t i = 0; i < array_len(parts); i++) {
		struct store_part *part = &ret->parts[ret->part_count];
		struct counting c = {v, part};
		char *path cleanup_free = path_join(s->dir, parts[i].name);
		bool named = str_eq(parts[i].name, "cas") || str_eq(parts[i].name, "logs");

		*part = (struct store_part){.name = parts[i].name, .what = parts[i].what};
		if (named && inventory_files(s, parts[i].name, count_file, &c, err) < 0)
			return -1;
		if (named)
			part->bytes += inventory_directories(s, parts[i].name);
		else
			inventory_measure(path, inventory_how(parts[i].name), &part->bytes,
					  &part->files);
		ret->bytes += part->bytes;
		ret->part_count += part->files > 0;
	}
	return 0;
}

static int larger_first(const void *a, const void *b)
{
	const struct store_node_usage *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->node, y->node);
}

/* Newest records first, so that an old one of the same bytes counts nothing. */
static void count_nodes(struct store *s, struct inventory *v, struct store_usage *ret)
{
	struct map by_name cleanup_map = {0};

	ret->nodes = arena_alloc(v->arena, (v->records.count + 1) * sizeof(*ret->nodes));
	for (size_t i = v->records.count; i-- > 0;) {
		const struct inventory_record *r = &v->records.items[i];
		struct store_node_usage *n = map_get(&by_name, r->rec->node);

		if (!n) {
			n = &ret->nodes[ret->node_count++];
			*n = (struct store_node_usage){.node = r->rec->node};
			map_set(&by_name, n->node, n);
		}
		n->records++;
		n->bytes += inventory_add(v, s, r->rec);
		if (r->used * INVENTORY_DAY > n->used)
			n->used = r->used * INVENTORY_DAY;
	}
	if (ret->node_count)
		qsort(ret->nodes, ret->node_count, sizeof(*ret->nodes), larger_first);
}

static int larger_thing_first(const void *a, const void *b)
{
	const struct store_thing *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* Downloads, unpacked trees, package lists, leftovers. */
static int count_things(struct store *s, struct inventory *v, struct store_usage *ret,
			struct err **err)
{
	struct gc_items items = {0};
	int rc = gc_collect(s, v, &items, err);

	ret->things = arena_alloc(v->arena, (items.count + 1) * sizeof(*ret->things));
	for (size_t i = 0; rc == 0 && i < items.count; i++) {
		const struct gc_item *item = &items.items[i];

		if (item->kind == GC_RECORD || gc_is_note(item))
			continue;
		ret->things[ret->thing_count++] =
			(struct store_thing){item->what, item->bytes, item->used * INVENTORY_DAY};
	}
	if (ret->thing_count)
		qsort(ret->things, ret->thing_count, sizeof(*ret->things), larger_thing_first);
	gc_items_clear(&items);
	return rc;
}

int store_usage(struct store *s, struct arena *arena, struct store_usage *ret, struct err **err)
{
	struct inventory v;
	int rc = inventory_load(s, arena, &v, err);

	*ret = (struct store_usage){0};
	if (rc == 0) {
		count_nodes(s, &v, ret);
		rc = count_things(s, &v, ret, err);
	}
	if (rc == 0)
		rc = count_parts(s, &v, ret, err);
	inventory_clear(&v);
	return rc;
}

uint64_t store_bytes(const struct store *s)
{
	uint64_t bytes = own_bytes(s), files = 0;
	DIR *dir = opendir(s->dir);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		char *path cleanup_free = path_join(s->dir, e->d_name);

		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			inventory_measure(path, inventory_how(e->d_name), &bytes, &files);
	}
	if (dir)
		closedir(dir);
	return bytes;
}
