/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/gc_items.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/path.h"
#include "base/line.h"
#include "store/cas.h"

/* What people may still want to look at: directories of failed nodes, damaged files. */
#define LEFTOVER_DAYS 14

/* --- names for people ---------------------------------------------------------------------- */

/* pin package "tzdata" "2025b-1 all sha256:HEX" */
static void name_package(struct inventory *v, struct map *names, const struct line *w)
{
	const char *at = strstr(w->items[3], "sha256:");

	if (at)
		map_set(names, arena_strdup(v->arena, at + strlen("sha256:")),
			(void *)arena_printf(v->arena, "package %s %.*s", w->items[2],
					     (int)strcspn(w->items[3], " "), w->items[3]));
}

/* What records tell of downloads: digest in hex -> "package tzdata 2025b-1", "file of node 'x'". */
static void name_downloads(struct inventory *v, struct map *names)
{
	for (size_t i = 0; i < v->records.count; i++) {
		const struct record *rec = v->records.items[i].rec;
		const char *p = rec->manifest, *end = p + strlen(p);
		struct line w;

		while (line_read(v->arena, &p, end, &w) == 0) {
			if (line_is(&w, "pin", 4) && str_eq(w.items[1], "package"))
				name_package(v, names, &w);
			else if (line_is(&w, "option", 3) && str_eq(w.items[1], "sha256"))
				map_set(names, w.items[2],
					(void *)arena_printf(v->arena, "file of node '%s'",
							     rec->node));
		}
	}
}

/* Digest of a tree in hex -> the node that made it. */
static void name_trees(struct inventory *v, struct map *names)
{
	for (size_t i = 0; i < v->records.count; i++) {
		const struct record *rec = v->records.items[i].rec;

		for (size_t k = 0; k < rec->output_count; k++) {
			char hex[DIGEST_HEX + 1];

			digest_hex(&rec->outputs[k].digest, hex);
			map_set(names, arena_strdup(v->arena, hex), (void *)rec->node);
		}
	}
}

/* --- collecting ---------------------------------------------------------------------------- */

struct collecting {
	struct store *s;
	struct inventory *v;
	struct gc_items *items;
	struct map downloads, trees;
};

static int add_download(void *arg, const char *name, const struct stat *st, struct err **err)
{
	struct collecting *c = arg;
	time_t used = st->st_atime > st->st_mtime ? st->st_atime : st->st_mtime;
	const char *base = path_base(name), *what = map_get(&c->downloads, base);
	struct digest d;

	if (!S_ISREG(st->st_mode) || digest_parse(base, &d) != 0)
		return 0;
	gc_items_push(c->items,
		      (struct gc_item){
			      .kind = GC_DOWNLOAD,
			      .path = arena_printf(c->v->arena, "%s/%s", c->s->dir, name),
			      .what = what ? what : arena_printf(c->v->arena, "download %s", base),
			      .used = used / INVENTORY_DAY,
			      .bytes = (uint64_t)st->st_blocks * 512});
	return 0;
}

/* "<digest>.<boot>", "<digest>.<boot>.seal", "<digest>.lock" */
static const char *what_root(struct collecting *c, const char *entry)
{
	char *hex cleanup_free = xstrndup(entry, strcspn(entry, "."));
	const char *node = map_get(&c->trees, hex);

	return arena_printf(c->v->arena, "unpacked tree of '%s'", node ? node : "?");
}

static const char *what_is(struct collecting *c, const char *directory, const char *entry)
{
	if (str_eq(directory, "roots"))
		return what_root(c, entry);
	if (str_eq(directory, "apt"))
		return "package lists";
	if (str_eq(directory, "caches"))
		return "what the builds of a project keep";
	return arena_printf(c->v->arena, "%s/%s", directory, entry);
}

/* A tree's own time is that of its content: the seal beside it tells (kinds/run/rootdir.h). */
static int64_t last_use(const char *path, const struct stat *st)
{
	char *seal cleanup_free = xasprintf("%s.seal", path);
	struct stat sealed;

	return lstat(seal, &sealed) == 0 ? sealed.st_mtime : st->st_mtime;
}

static void add_entries(struct collecting *c, const char *directory, enum gc_kind kind)
{
	char *path cleanup_free = path_join(c->s->dir, directory);
	DIR *dir = opendir(path);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		char *sub cleanup_free = path_join(path, e->d_name);
		struct gc_item item = {.kind = kind};
		uint64_t files = 0;
		struct stat st;

		if (e->d_name[0] == '.' || lstat(sub, &st) < 0)
			continue;
		inventory_measure(sub, inventory_how(directory), &item.bytes, &files);
		item.path = arena_strdup(c->v->arena, sub);
		item.what = what_is(c, directory, e->d_name);
		item.used = last_use(sub, &st) / INVENTORY_DAY;
		gc_items_push(c->items, item);
	}
	if (dir)
		closedir(dir);
}

static void add_records(struct collecting *c)
{
	for (size_t i = 0; i < c->v->records.count; i++) {
		struct inventory_record *r = &c->v->records.items[i];

		gc_items_push(c->items,
			      (struct gc_item){.kind = GC_RECORD, .rec = r, .used = r->used});
	}
}

int gc_collect(struct store *s, struct inventory *v, struct gc_items *ret, struct err **err)
{
	struct collecting c = {.s = s, .v = v, .items = ret};
	int rc = inventory_add_logs(v, s, err);

	name_downloads(v, &c.downloads);
	name_trees(v, &c.trees);
	if (rc == 0) {
		add_records(&c);
		rc = inventory_files(s, "downloads", add_download, &c, err);
	}
	if (rc == 0) {
		add_entries(&c, "roots", GC_ROOT);
		add_entries(&c, "apt", GC_LISTS);
		add_entries(&c, "caches", GC_CACHE);
		add_entries(&c, "failed", GC_LEFTOVER);
		add_entries(&c, "quarantine", GC_LEFTOVER);
	}
	map_clear(&c.downloads);
	map_clear(&c.trees);
	return rc;
}

/* --- what a build needs -------------------------------------------------------------------- */

struct protecting {
	struct map keys;  /* of records, hex -> enum gc_level */
	struct map named; /* by their manifests: digests in hex -> enum gc_level */
};

static enum gc_level level_of(const struct map *m, const char *hex)
{
	const enum gc_level *level = map_get(m, hex);

	return level ? *level : GC_PLAIN;
}

static void raise_to(struct inventory *v, struct map *m, const char *hex, enum gc_level level)
{
	enum gc_level *own = map_get(m, hex);

	if (!own) {
		own = arena_alloc(v->arena, sizeof(*own));
		*own = level;
		map_set(m, arena_strdup(v->arena, hex), own);
	}
	*own = level > *own ? level : *own;
}

/* Every digest in TEXT: of packages and files to fetch, of trees to run in. */
static void add_named(struct inventory *v, struct protecting *p, const char *text,
		      enum gc_level level)
{
	for (const char *at = text; *at;) {
		size_t len = strspn(at, "0123456789abcdef");
		char hex[DIGEST_HEX + 1];

		if (len == DIGEST_HEX) {
			memcpy(hex, at, len);
			hex[len] = 0;
			raise_to(v, &p->named, hex, level);
		}
		at += len ? len : 1;
	}
}

static void add_keys(struct inventory *v, struct protecting *p, const struct digest *keys,
		     size_t count, enum gc_level level)
{
	char hex[DIGEST_HEX + 1];

	for (size_t i = 0; i < count; i++)
		raise_to(v, &p->keys, digest_hex(&keys[i], hex), level);
}

static void protect_record(struct inventory *v, struct protecting *p, struct gc_item *item)
{
	const struct record *rec = item->rec->rec;
	char hex[DIGEST_HEX + 1];

	item->level = level_of(&p->keys, digest_hex(&rec->key, hex));
	if (item->level == GC_LIKELY)
		add_named(v, p, rec->manifest, GC_LIKELY);
}

/* Digests are the names of downloads, and of roots up to the full stop. */
static void protect_file(struct protecting *p, struct gc_item *item, int64_t since)
{
	const char *base = path_base(item->path);
	char *hex cleanup_free = xstrndup(base, strcspn(base, "."));
	struct stat st;

	item->level = GC_PLAIN;
	if (item->kind == GC_DOWNLOAD || item->kind == GC_ROOT)
		item->level = level_of(&p->named, hex);
	else if (item->kind == GC_LEFTOVER && since && lstat(item->path, &st) == 0 &&
		 st.st_mtime >= since)
		item->level = GC_LIKELY;
}

void gc_protect(struct inventory *v, struct gc_items *items, const struct store_needs *needs)
{
	struct protecting p = {0};

	add_keys(v, &p, needs->records, needs->record_count, GC_NEEDED);
	add_keys(v, &p, needs->likely, needs->likely_count, GC_LIKELY);
	for (size_t i = 0; i < needs->manifest_count; i++)
		add_named(v, &p, needs->manifests[i], GC_NEEDED);
	for (size_t i = 0; i < items->count; i++) {
		if (items->items[i].kind == GC_RECORD)
			protect_record(v, &p, &items->items[i]);
	}
	for (size_t i = 0; i < items->count; i++) {
		if (items->items[i].kind != GC_RECORD)
			protect_file(&p, &items->items[i], needs->since);
	}
	map_clear(&p.keys);
	map_clear(&p.named);
}

bool gc_is_note(const struct gc_item *item)
{
	return item->kind == GC_ROOT &&
	       (str_ends(item->path, ".lock") || str_ends(item->path, ".seal"));
}

/* --- choosing ------------------------------------------------------------------------------ */

uint64_t gc_fixed(const struct store *s, const struct inventory *v)
{
	static const char *const names[] = {
		"state.sqlite", "state.sqlite-wal",   "state.sqlite-shm", "tmp",
		"locks",        "downloads/appliance"};
	static const char *const directories[] = {"cas", "records", "left", "logs", "downloads"};
	uint64_t bytes = inventory_named(v, s), files = 0;

	for (size_t i = 0; i < array_len(names); i++) {
		char *path cleanup_free = path_join(s->dir, names[i]);

		inventory_measure(path, WALK_AS_IT_IS, &bytes, &files);
	}
	for (size_t i = 0; i < array_len(directories); i++)
		bytes += inventory_directories(s, directories[i]);
	return bytes;
}

static double worth(const struct record *rec)
{
	uint64_t bytes = 1;

	for (size_t i = 0; i < rec->output_count; i++)
		bytes += rec->outputs[i].allocated;
	return rec->seconds / (double)bytes;
}

/*
 * The best to keep first: what the build needs, then what was used last; of one day records, those
 * that take longest for their size.
 */
static int better_first(const void *a, const void *b)
{
	const struct gc_item *x = a, *y = b;

	if (x->level != y->level)
		return x->level < y->level ? 1 : -1;
	if (x->used != y->used)
		return x->used < y->used ? 1 : -1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->kind != GC_RECORD)
		return strcmp(x->path, y->path);
	if (worth(x->rec->rec) != worth(y->rec->rec))
		return worth(x->rec->rec) < worth(y->rec->rec) ? 1 : -1;
	return memcmp(&x->rec->rec->key, &y->rec->rec->key, sizeof(x->rec->rec->key));
}

static bool tree_is_kept(struct inventory *v, const struct gc_item *root)
{
	const char *entry = path_base(root->path);
	char *hex cleanup_free = xstrndup(entry, strcspn(entry, "."));
	struct artifact a = {.type = OUTPUT_TREE};

	return digest_parse(hex, &a.digest) == 0 && map_get(&v->names, inventory_name(v, &a));
}

static bool is_of_use(struct inventory *v, const struct gc_item *item)
{
	if (item->kind == GC_ROOT)
		return tree_is_kept(v, item);
	if (item->kind == GC_LEFTOVER)
		return time(NULL) / INVENTORY_DAY - item->used <= LEFTOVER_DAYS;
	return true;
}

uint64_t gc_choose(struct store *s, struct inventory *v, struct gc_items *items, uint64_t limit)
{
	uint64_t sum = gc_fixed(s, v);

	if (items->count)
		qsort(items->items, items->count, sizeof(*items->items), better_first);
	for (size_t i = 0; i < items->count; i++) {
		struct gc_item *item = &items->items[i];
		bool stays = item->level == GC_NEEDED;

		if (item->kind == GC_RECORD)
			item->bytes = inventory_cost(v, s, item->rec->rec) +
				      inventory_overhead(v, s, item->rec->rec);
		item->kept =
			stays || (is_of_use(v, item) && (!limit || sum + item->bytes <= limit));
		if (!item->kept)
			continue;
		sum += item->bytes;
		if (item->kind == GC_RECORD)
			inventory_add(v, s, item->rec->rec);
	}
	return sum;
}
