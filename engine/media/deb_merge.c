/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Merging packages: which file belongs to whom, and what dpkg would do when two want the same. The
 * database itself is written by deb_db.c.
 */
#include <string.h>
#include <sys/stat.h>

#include "media/deb_priv.h"

/* Folders of / that are links into /usr on a merged-usr system. */
static const char *const aliased[] = {"bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"};
#define ALWAYS_ALIASED 3

static bool is_aliased(const char *name)
{
	for (size_t i = 0; i < array_len(aliased); i++)
		if (str_eq(aliased[i], name))
			return true;
	return false;
}

static int add_alias(struct tree *t, const char *name, struct err **err)
{
	char *target cleanup_free = xasprintf("usr/%s", name);

	if (tree_lookup(t, name))
		return 0;
	if (!tree_lookup(t, target) && tree_add_dir(t, target, 0755, err) < 0)
		return -1;
	return tree_add_symlink(t, name, target, err);
}

/*
 * In a new tree the first path below such a folder makes its link, and the path becomes that behind
 * it (a reading does not follow links that are as new as itself).
 */
static int need_alias(struct merge *m, const char **path, struct err **err)
{
	char *first cleanup_free = xstrndup(*path, strcspn(*path, "/"));

	if (m->has_base || !is_aliased(first))
		return 0;
	if (strchr(*path, '/')) {
		str_clear(&m->alias);
		str_printf(&m->alias, "usr/%s", *path);
		*path = m->alias.buf;
	}
	return add_alias(m->t, first, err);
}

/* The path as the tree knows it, links in its folder followed. Heap. */
static char *canonical(const struct merge *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir cleanup_free = slash ? xstrndup(path, (size_t)(slash - path)) : NULL;
	struct tree_entry *e = dir ? tree_resolve(m->t, dir) : NULL;

	if (!e || str_eq(e->path, ""))
		return xstrdup(path);
	return xasprintf("%s/%s", e->path, slash + 1);
}

static void forget_line(struct package *p, const char *line)
{
	for (size_t i = 0; i < p->list.count; i++)
		if (str_eq(p->list.items[i], line)) {
			free(p->list.items[i]);
			memmove(p->list.items + i, p->list.items + i + 1,
				(p->list.count - i - 1) * sizeof(*p->list.items));
			p->list.count--;
			p->changed = true;
			return;
		}
}

static bool replaces(const struct package *p, const struct package *other)
{
	return p->replaces && deb_relation_matches(p->replaces, other->name, other->version);
}

void merge_claim(struct merge *m, struct package *p, const char *path, const char *line)
{
	struct claim *c = arena_alloc(m->arena, sizeof(*c));
	char *key cleanup_free = canonical(m, path);

	c->package = p;
	c->line = arena_strdup(m->arena, line);
	map_set(&m->claims, arena_strdup(m->arena, key), c);
}

/* Where a diversion of another package sends PATH, or PATH. */
static const char *diverted(const struct merge *m, const char *path)
{
	const struct diversion *d = map_get(&m->diversions, path);

	return d && !str_eq(d->package, m->current->name) ? d->to : path;
}

static bool is_conffile(const struct merge *m, const char *path)
{
	return map_get(&m->conffiles, path) != NULL;
}

/* 0: the file is ours; 1: the other package keeps it. */
static int settle(struct merge *m, const struct claim *c, const char *path, struct err **err)
{
	if (replaces(m->current, c->package)) {
		forget_line(c->package, c->line);
		return 0;
	}
	if (replaces(c->package, m->current))
		return 1;
	return err_set(
		err, ERR_BUILD,
		"packages '%s' (%s) and '%s' (%s) both ship '/%s' and neither replaces the other: "
		"take one of them out of 'packages'",
		c->package->name, c->package->version, m->current->name, m->current->version, path);
}

static int on_file(struct merge *m, const char **path, const char *line, struct err **err)
{
	const char *shipped = line + 1, *to = diverted(m, shipped);
	char *key cleanup_free = canonical(m, to == shipped ? *path : to);
	struct claim *c = map_get(&m->claims, key);

	/* The second time it is named, as the target of a hard link, it is ours already. */
	if (!c || c->package != m->current) {
		int r = c ? settle(m, c, key, err) : 0;

		if (r < 0)
			return -1;
		if (r == 1)
			return 1;
		strv_push(&m->current->list, line);
		merge_claim(m, m->current, key, line);
	}
	str_clear(&m->path);
	str_printf(&m->path, "%s%s", key, is_conffile(m, shipped) ? ".dpkg-new" : "");
	*path = m->path.buf;
	return 0;
}

static int on_entry(void *arg, const char **path, struct tree_inode *inode, struct err **err)
{
	struct merge *m = arg;
	char *line cleanup_free = xasprintf("/%s", *path);
	struct tree_entry *there;

	if (!**path)
		return 1;
	if (need_alias(m, path, err) < 0)
		return -1;
	there = tree_resolve(m->t, *path);
	if (S_ISDIR(inode->mode)) {
		strv_push(&m->current->list, line);
		return there &&
		       S_ISDIR(there->inode->mode); /* as dpkg: a folder keeps its attributes */
	}
	if (S_ISLNK(inode->mode) && there && S_ISDIR(there->inode->mode) && is_aliased(*path)) {
		strv_push(&m->current->list, line);
		return 1;
	}
	if (there && S_ISDIR(there->inode->mode) && !S_ISLNK(inode->mode))
		return err_set(err, ERR_BUILD,
			       "package '%s' ships '/%s' as a file where a folder is",
			       m->current->name, *path);
	return on_file(m, path, line, err);
}

static void read_conffiles(struct merge *m, const struct deb *d)
{
	const char *text = deb_script(d, "conffiles");
	char *copy cleanup_free = xstrdup(text ? text : "");
	char *save = NULL;

	map_clear(&m->conffiles);
	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (*l == '/')
			map_set(&m->conffiles, arena_strdup(m->arena, l + strspn(l, "/")), m);
}

static int merge_one(struct merge *m, const struct deb *d, struct err **err)
{
	struct package *p = merge_package(m, d->name, d->version, d->base);

	p->replaces = deb_field(d->control, "Replaces");
	p->deb = d;
	m->current = p;
	read_conffiles(m, d);
	strv_push(&p->list, "/.");
	if (tree_read_tar_filter(m->t, "/", d->label, d->map + d->data_at, d->data_len,
				 TREE_FOLLOW | TREE_REPLACE, on_entry, m, err) < 0)
		return err_wrap(err, "package '%s'", d->label);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct deb *da = *(struct deb *const *)a, *db = *(struct deb *const *)b;
	int first = str_eq(db->name, "base-files") - str_eq(da->name, "base-files");

	if (first)
		return first;
	return strcmp(da->name, db->name) ? strcmp(da->name, db->name) : strcmp(da->arch, db->arch);
}

static int start(struct merge *m, struct err **err)
{
	m->has_base = tree_lookup(m->t, "var/lib/dpkg/status") != NULL;
	if (m->has_base)
		return merge_load(m, err);
	for (size_t i = 0; i < ALWAYS_ALIASED; i++)
		if (add_alias(m->t, aliased[i], err) < 0)
			return -1;
	return 0;
}

int deb_merge(struct deb_set *set, struct tree *t, struct err **err)
{
	struct merge m cleanup_merge = {
		.t = t, .arena = arena_new(), .alias = STR_INIT, .path = STR_INIT};

	if (start(&m, err) < 0)
		return -1;
	if (set->count)
		qsort(set->items, set->count, sizeof(*set->items), by_name);
	for (size_t i = 0; i < set->count; i++)
		if (!set->items[i]->by_dpkg && merge_one(&m, set->items[i], err) < 0)
			return -1;
	return merge_save(&m, err);
}
