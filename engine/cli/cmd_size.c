/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch size: what takes the room in a tree or image, by package and by directory, and what grew
 * since a run or beside another image. Each file counts once, however many names it has, so that
 * both tables sum up to the same total.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/map.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/view.h"

#define ROWS_SHOWN 20
#define DEPTH 3 /* directories below it count as what they are in */
#define LIST_MAX (16u << 20)
#define INFO "/var/lib/dpkg/info"

enum { NOW, BEFORE, SIDES };

struct group {
	const char *name;
	uint64_t bytes[SIDES], files[SIDES];
};

struct sizes {
	struct arena *arena;
	bool compared; /* there is a BEFORE */
	bool packages_known[SIDES];
	struct group total;
	struct map packages, directories; /* name -> struct group * */
};

static struct group *group(struct sizes *z, struct map *m, const char *name)
{
	struct group *g = map_get(m, name);

	if (!g) {
		g = arena_alloc(z->arena, sizeof(*g));
		*g = (struct group){.name = arena_strdup(z->arena, name)};
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

/* dpkg's lists of files, of which inode->user becomes an index + 1 into RET. */
static void note_packages(struct sizes *z, struct tree *t, struct strs *ret)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++)
		entries[i]->inode->user = 0;
	for (size_t i = 0; i < count; i++) {
		const char *name = str_skip(entries[i]->path, &INFO[1]);

		if (!name || *name != '/' || !str_ends(name, ".list"))
			continue;
		strs_push(ret, package_of(z->arena, name + 1));
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

static void add(struct group *g, unsigned side, uint64_t bytes)
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

static void count_tree(struct sizes *z, unsigned side, struct look *l, const char *top)
{
	struct strs packages = {0};
	size_t count;
	struct tree_entry *const *entries = tree_entries(l->tree, &count);

	note_packages(z, l->tree, &packages);
	z->packages_known[side] = packages.count > 0;
	for (size_t i = 0; i < count; i++) {
		if (is_below(entries[i]->path, top))
			count_file(z, side, entries[i], &packages);
	}
	strs_clear(&packages);
}

static int measure(struct sizes *z, unsigned side, const struct session *s, const char *text,
		   const char *run, struct err **err)
{
	struct view v cleanup_view = {0};
	const struct tree_entry *e;

	if (view_open(&v, s, text, run, false, err) < 0)
		return -1;
	if (v.look.disk)
		return err_set(err, E_NOT_A_FILE,
			       "'%s' is a disk: name a partition, as 'orch image ls %s' shows them",
			       v.result.name, v.result.name);
	if (!v.look.tree) {
		add(&z->total, side, v.look.size);
		return 0;
	}
	e = tree_resolve(v.look.tree, v.look.rest);
	count_tree(z, side, &v.look, e ? e->path : v.look.rest);
	return 0;
}

/* ---- telling ---- */

static int64_t grown(const struct group *g)
{
	return (int64_t)(g->bytes[NOW] - g->bytes[BEFORE]);
}

static uint64_t weight(const struct sizes *z, const struct group *g)
{
	int64_t n = grown(g);

	return !z->compared ? g->bytes[NOW] : (uint64_t)(n < 0 ? -n : n);
}

static int by_weight(const void *a, const void *b, void *arg)
{
	const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;
	uint64_t wx = weight(arg, x), wy = weight(arg, y);

	return wx != wy ? (wx < wy ? 1 : -1) : strcmp(x->name, y->name);
}

/* The groups of M, the heaviest first; of a comparison those that differ. Heap. */
static struct group **sorted(struct sizes *z, const struct map *m, size_t *ret_count)
{
	struct group **list = xcalloc(m->count + 1, sizeof(*list));
	size_t count = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct group *g = m->entries[i].value;

		if (!z->compared || grown(g) || g->files[NOW] != g->files[BEFORE])
			list[count++] = g;
	}
	qsort_r(list, count, sizeof(*list), by_weight, z);
	*ret_count = count;
	return list;
}

static char *signed_text(int64_t n)
{
	char *bytes cleanup_free = str_bytes((uint64_t)(n < 0 ? -n : n));

	return xasprintf("%s%s", n < 0 ? "-" : n ? "+" : "", bytes);
}

static void group_row(const struct sizes *z, struct table *t, const struct group *g)
{
	char *now cleanup_free = str_bytes(g->bytes[NOW]);
	char *files cleanup_free = xasprintf("%llu", (unsigned long long)g->files[NOW]);
	char *grew cleanup_free = signed_text(grown(g));
	char *name cleanup_free = xasprintf("%s%s", g->name,
					    !z->compared        ? ""
					    : !g->files[BEFORE] ? " (new)"
					    : !g->files[NOW]    ? " (gone)"
								: "");

	if (z->compared)
		table_row(t, grew, now, files, name);
	else
		table_row(t, now, files, name);
}

static void print_groups(struct sizes *z, const struct map *m, const char *title)
{
	size_t count;
	struct group **list cleanup_free = sorted(z, m, &count);
	struct group rest = {0};
	struct table *t = z->compared ? table_new(">GREW", ">NOW", ">FILES", title, NULL)
				      : table_new(">SIZE", ">FILES", title, NULL);

	for (size_t i = 0; i < count; i++) {
		if (i < ROWS_SHOWN || count == ROWS_SHOWN + 1) {
			group_row(z, t, list[i]);
			continue;
		}
		for (unsigned side = 0; side < SIDES; side++) {
			rest.bytes[side] += list[i]->bytes[side];
			rest.files[side] += list[i]->files[side];
		}
	}
	if (rest.files[NOW] || rest.files[BEFORE]) {
		rest.name =
			arena_printf(z->arena, "%zu others (--json has all)", count - ROWS_SHOWN);
		rest.files[BEFORE] += !rest.files[BEFORE];
		rest.files[NOW] += !rest.files[NOW];
		group_row(z, t, &rest);
	}
	if (count)
		putchar('\n');
	table_print(t);
}

static bool packages_told(const struct sizes *z)
{
	return z->packages_known[NOW] && (!z->compared || z->packages_known[BEFORE]);
}

static void print_text(struct sizes *z)
{
	char *now cleanup_free = str_bytes(z->total.bytes[NOW]);
	char *before cleanup_free = str_bytes(z->total.bytes[BEFORE]);
	char *grew cleanup_free = signed_text(grown(&z->total));
	unsigned long long files = z->total.files[NOW];

	printf("%s in %llu file%s", now, files, files == 1 ? "" : "s");
	if (z->compared)
		printf(", before %s in %llu: %s", before,
		       (unsigned long long)z->total.files[BEFORE],
		       grown(&z->total) ? grew : "the same");
	putchar('\n');
	if (packages_told(z))
		print_groups(z, &z->packages, "PACKAGE");
	print_groups(z, &z->directories, "DIRECTORY");
}

static json_t *group_object(const struct sizes *z, const struct group *g)
{
	json_t *o = json_pack("{s:I, s:I}", "bytes", (json_int_t)g->bytes[NOW], "files",
			      (json_int_t)g->files[NOW]);

	if (g->name)
		json_object_set_new(o, "name", json_text(g->name));
	if (!z->compared)
		return o;
	json_object_set_new(o, "before",
			    json_pack("{s:I, s:I}", "bytes", (json_int_t)g->bytes[BEFORE], "files",
				      (json_int_t)g->files[BEFORE]));
	json_object_set_new(o, "grew", json_integer(grown(g)));
	return o;
}

static json_t *groups_array(struct sizes *z, const struct map *m)
{
	size_t count;
	struct group **list cleanup_free = sorted(z, m, &count);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, group_object(z, list[i]));
	return array;
}

static void print_json(struct sizes *z)
{
	json_print(stdout,
		   json_pack("{s:i, s:b, s:o, s:o, s:o}", "v", 1, "ok", 1, "total",
			     group_object(z, &z->total), "packages",
			     packages_told(z) ? groups_array(z, &z->packages) : json_null(),
			     "directories", groups_array(z, &z->directories)),
		   false);
}

static int measure_all(struct sizes *z, const struct session *s, struct err **err)
{
	const struct strv *args = &s->cli->args;
	const char *text = args->items[0], *other = args->count > 1 ? args->items[1] : NULL;
	bool run = other && (*other == '^' || strspn(other, "0123456789") == strlen(other));

	z->compared = other;
	if (measure(z, NOW, s, text, s->cli->run, err) < 0)
		return -1;
	return other ? measure(z, BEFORE, s, run ? text : other, run ? other : NULL, err) : 0;
}

int cmd_size(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct err *err = NULL;
	struct sizes z = {0};
	int code = session_open_history(&s, c);

	if (code)
		return code;
	z.arena = s.arena;
	if (measure_all(&z, &s, &err) < 0)
		code = cli_fail(&s, err);
	else if (c->json)
		print_json(&z);
	else
		print_text(&z);
	if (code == 0 && c->exit_code && z.compared && grown(&z.total))
		code = 3;
	map_clear(&z.packages);
	map_clear(&z.directories);
	return code;
}
