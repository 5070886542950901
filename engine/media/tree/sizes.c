/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/sizes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"

#define DEPTH 3 /* directories below it count as what they are in */
#define LIST_MAX (16u << 20)
#define INFO "/var/lib/dpkg/info"

static struct size_group *group(struct sizes *z, struct map *m, const char *name)
{
	struct size_group *g = map_get(m, name);

	if (!g) {
		g = arena_alloc(z->arena, sizeof(*g));
		*g = (struct size_group){.name = arena_strdup(z->arena, name)};
		map_set(m, g->name, g);
	}
	return g;
}

/* ---- measuring ---- */

/* "libc6" of "libc6:arm64.list". */
static const char *package_of(struct arena *arena, const char *list)
{
	size_t len = strlen(list) - strlen(".list");
	const char *colon = memchr(list, ':', len);

	return arena_strndup(arena, list, colon ? (size_t)(colon - list) : len);
}

/* Notes PACKAGE, by its number from 1 on, at the inodes that it owns. */
static void note_files(struct tree *t, const struct tree_entry *list, size_t package)
{
	char *text cleanup_free = tree_inode_text(list->inode, LIST_MAX);
	char *rest = text, *line;

	while (rest && (line = strsep(&rest, "\n"))) {
		struct tree_entry *e = *line ? tree_lookup(t, line) : NULL;

		if (e && !S_ISDIR(e->inode->mode) && !e->inode->user)
			e->inode->user = package;
	}
}

void sizes_note_packages(struct arena *arena, struct tree *t, struct strs *ret)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++)
		entries[i]->inode->user = 0;
	for (size_t i = 0; i < count; i++) {
		const char *name = str_skip(entries[i]->path, &INFO[1]);

		if (!name || *name != '/' || !str_ends(name, ".list"))
			continue;
		strs_push(ret, package_of(arena, name + 1));
		note_files(t, entries[i], ret->count);
	}
}

/* "usr/lib/x" of "usr/lib/x/y/z": at most DEPTH parts of the directory. */
static char *directory_of(const char *path)
{
	const char *end = path, *slash;

	for (unsigned depth = 0; depth < DEPTH && (slash = strchr(end + (end != path), '/'));
	     depth++)
		end = slash;
	return xasprintf("/%.*s", (int)(end - path), path);
}

static void add(struct size_group *g, unsigned side, uint64_t bytes)
{
	g->bytes[side] += bytes;
	g->files[side]++;
}

/* The last pass of a walk: the inode is marked as counted. */
#define COUNTED UINT64_MAX

static void count_file(struct sizes *z, unsigned side, const struct tree_entry *e,
		       const struct strs *packages)
{
	char *directory cleanup_free = directory_of(e->path);
	uint64_t package = e->inode->user, bytes = e->inode->size;

	if (!S_ISREG(e->inode->mode) || package == COUNTED)
		return;
	e->inode->user = COUNTED;
	add(&z->total, side, bytes);
	add(group(z, &z->directories, directory), side, bytes);
	if (packages->count)
		add(group(z, &z->packages,
			  package ? packages->items[package - 1] : "(of no package)"),
		    side, bytes);
}

static bool is_below(const char *path, const char *top)
{
	const char *rest = str_skip(path, top);

	return rest && (!*top || !*rest || *rest == '/');
}

void sizes_count(struct sizes *z, unsigned side, struct tree *t, const char *top)
{
	struct strs packages = {0};
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	sizes_note_packages(z->arena, t, &packages);
	z->packages_known[side] = packages.count > 0;
	for (size_t i = 0; i < count; i++) {
		if (is_below(entries[i]->path, top))
			count_file(z, side, entries[i], &packages);
	}
	strs_clear(&packages);
}

int64_t sizes_grown(const struct size_group *g)
{
	return (int64_t)(g->bytes[SIZES_NOW] - g->bytes[SIZES_BEFORE]);
}

static uint64_t weight(const struct sizes *z, const struct size_group *g)
{
	int64_t n = sizes_grown(g);

	return !z->compared ? g->bytes[SIZES_NOW] : (uint64_t)(n < 0 ? -n : n);
}

static int by_weight(const void *a, const void *b, void *arg)
{
	const struct size_group *x = *(struct size_group *const *)a,
				*y = *(struct size_group *const *)b;
	uint64_t wx = weight(arg, x), wy = weight(arg, y);

	return wx != wy ? (wx < wy ? 1 : -1) : strcmp(x->name, y->name);
}

/* The groups of M, the heaviest first; of a comparison those that differ. Heap. */
struct size_group **sizes_sorted(const struct sizes *z, const struct map *m, size_t *ret_count)
{
	struct size_group **list = xcalloc(m->count + 1, sizeof(*list));
	size_t count = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct size_group *g = m->entries[i].value;

		if (!z->compared || sizes_grown(g) || g->files[SIZES_NOW] != g->files[SIZES_BEFORE])
			list[count++] = g;
	}
	qsort_r(list, count, sizeof(struct size_group *), by_weight, (void *)z);
	*ret_count = count;
	return list;
}

bool sizes_have_packages(const struct sizes *z)
{
	return z->packages_known[SIZES_NOW] && (!z->compared || z->packages_known[SIZES_BEFORE]);
}

void sizes_clear(struct sizes *z)
{
	map_clear(&z->packages);
	map_clear(&z->directories);
}
