/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drop-ins of units, as systemd.unit(5) finds them: those of the unit itself, of its template, of
 * names cut at a dash ("app-.service.d"), of its type ("service.d"). Of one name counts the nearest
 * to the front of that list of directories, /etc first; they are read in the order of their names.
 */
#include "base/path.h"
#include "check/view.h"

static void add_dir(const struct check_view *v, struct strs *d, const char *place, const char *name)
{
	strs_push(d, arena_printf(v->arena, "%s/%s.d/", place, name));
}

/* "foo-bar-.service", "foo-.service" of "foo-bar-baz@x.service", whose TYPE is ".service". */
static void add_cut(const struct check_view *v, struct strs *d, const char *place, const char *name,
		    const char *type)
{
	for (size_t n = strcspn(name, "@."); n > 1; n--)
		if (name[n - 1] == '-' && name[n] != '@' && name + n != type)
			add_dir(v, d, place, arena_printf(v->arena, "%.*s%s", (int)n, name, type));
}

/* The directories of drop-ins, those that count first. */
static void dirs_of(const struct check_view *v, const char *name, struct strs *ret)
{
	static const char *const places[] = {"/etc/systemd/system", "/usr/local/lib/systemd/system",
					     "/usr/lib/systemd/system", "/lib/systemd/system"};
	const char *at = strchr(name, '@'), *type = strrchr(name, '.');

	if (!type)
		return;
	for (size_t i = 0; i < array_len(places); i++) {
		add_dir(v, ret, places[i], name);
		if (at && at + 1 < type)
			add_dir(v, ret, places[i],
				arena_printf(v->arena, "%.*s%s", (int)(at - name + 1), name, type));
		add_cut(v, ret, places[i], name, type);
	}
	for (size_t i = 0; i < array_len(places); i++)
		add_dir(v, ret, places[i], type + 1);
}

/* The place of TARGET among the directories, COUNT: it is no drop-in in any of them. */
static size_t dir_of(const struct strs *d, const char *target)
{
	size_t i = 0;

	for (; i < d->count; i++) {
		const char *name = str_skip(target, d->items[i]);

		if (name && !strchr(name, '/') && str_ends(name, ".conf"))
			break;
	}
	return i;
}

/* One drop-in; FILE is NULL: a link to /dev/null, or to what the project does not have. */
struct drop_in {
	const char *name;
	const struct check_file *file;
	size_t dir;
};
DEFINE_VEC(drop_ins, struct drop_in)

/* Adds it unless one of its name counts for more. */
static void add_drop_in(struct drop_ins *all, const struct strs *d, const char *target,
			const struct check_file *file)
{
	struct drop_in new = {path_base(target), file, dir_of(d, target)};

	if (new.dir == d->count)
		return;
	for (size_t i = 0; i < all->count; i++) {
		struct drop_in *old = &all->items[i];

		if (!str_eq(old->name, new.name))
			continue;
		if (new.dir < old->dir)
			*old = new;
		return;
	}
	drop_ins_push(all, new);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct drop_in *)a)->name, ((const struct drop_in *)b)->name);
}

int check_read_drop_ins(struct check_view *v, const char *name, struct conf_entries *ret,
			struct err **err)
{
	struct strs dirs = {0};
	struct drop_ins all = {0};
	int rc = 0;

	dirs_of(v, name, &dirs);
	for (size_t i = 0; i < v->links.count; i++)
		if (check_ships(v, v->links.items[i].image))
			add_drop_in(&all, &dirs, v->links.items[i].target, NULL);
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && check_target_file(v, f->target) == f)
			add_drop_in(&all, &dirs, f->target, f);
	}
	if (all.count)
		qsort(all.items, all.count, sizeof(*all.items), by_name);
	for (size_t i = 0; rc == 0 && i < all.count; i++) {
		const struct check_file *f = all.items[i].file;

		if (f)
			rc = conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, ret,
					   err);
	}
	drop_ins_clear(&all);
	strs_clear(&dirs);
	return rc;
}
