/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What nodes put into a tree or an image themselves, besides the files of the project and the trees
 * that are unpacked at its root: a path that those do not have may be there all the same.
 */
#include <sys/stat.h>

#include "base/path.h"
#include "check/view.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"
#include "kinds/tree/tree_opts.h"

#define UNITS "/etc/systemd/system"
#define PRESETS "/etc/systemd/system-preset/00-image.preset"

bool check_is_above(const char *place, const char *path)
{
	const char *rest = str_eq(place, "/") ? path : str_skip(path, place);

	return rest && (!*rest || *rest == '/');
}

/* Whether something at or below PLACE is PATH, below it, or makes it a directory. */
static bool touches(const char *place, const char *path)
{
	return check_is_above(place, path) || check_is_above(path, place);
}

/* What a file or directory of the project that is sent to TO makes of PATH. */
static enum check_writes from_project(const struct check_view *v, const struct content *c,
				      const char *to, const char *path)
{
	const char *text = c->template ? c->template->template : c->copy->text;
	char *source cleanup_free = path_join(v->g->project->dir, text), *abs = NULL;
	const char *rest = str_eq(to, "/") ? path : str_skip(path, to);
	struct stat st;
	bool found;

	if (check_is_above(path, to))
		return CHECK_WRITES;
	if (!rest || *rest != '/')
		return CHECK_WRITES_NOTHING;
	abs = path_join(source, rest + 1);
	found = lstat(abs, &st) == 0;
	free(abs);
	return found ? CHECK_WRITES : CHECK_WRITES_NOTHING;
}

/* What one entry of 'contents:' does; trees that are unpacked at the root are left to who asks. */
static enum check_writes by_content(const struct check_view *v, const struct content *c,
				    const char *path)
{
	const struct ref *from = c->unpack ? c->unpack : c->copy;
	char *to cleanup_free = xstrdup(c->to ? c->to : "/");
	size_t n = strlen(to);

	while (n > 1 && to[n - 1] == '/')
		to[--n] = 0;
	if (c->template || (c->copy && c->copy->type == REF_PATH))
		return from_project(v, c, to, path);
	if (c->unpack && !from->inside && str_eq(to, "/"))
		return CHECK_WRITES_NOTHING;
	if (check_is_above(path, to) || (c->copy && check_brings(c, path)))
		return CHECK_WRITES;
	if (!from->inside && c->copy)
		return CHECK_WRITES_NOTHING; /* one file */
	return check_is_above(to, path) ? CHECK_MAY_WRITE : CHECK_WRITES_NOTHING;
}

/* Links of units, whose [Install] sections are not looked at, and the decisions of a first boot. */
static enum check_writes by_units(const struct node *n, const char *path)
{
	const struct units *const *u =
		schema_field(n->recipe->kind->schema, n->recipe->opts, "units", OPT_STRUCT);

	if (!u || !*u)
		return CHECK_WRITES_NOTHING;
	for (size_t i = 0; i < (*u)->mask.count; i++) {
		char *link cleanup_free = path_join(UNITS, LIST_AT((*u)->mask, const char *, i));

		if (check_is_above(path, link))
			return CHECK_WRITES;
	}
	if ((*u)->disable.count && check_is_above(path, PRESETS))
		return CHECK_WRITES;
	return (*u)->enable.count && touches(UNITS, path) ? CHECK_MAY_WRITE : CHECK_WRITES_NOTHING;
}

static bool has_lost_found(int filesystem)
{
	return filesystem == IMAGE_FS_EXT4;
}

static enum check_writes by_partition(const struct image_opts *o, const struct image_part_opts *p,
				      const char *path)
{
	char *found cleanup_free = NULL;

	if (!p->mount)
		return CHECK_WRITES_NOTHING;
	found = path_join(p->mount, "lost+found");
	if (check_is_above(path, p->mount) ||
	    (has_lost_found(p->filesystem) && str_eq(path, found)))
		return CHECK_WRITES;
	return o->bootloader == IMAGE_BOOT_SYSTEMD && check_is_above(p->mount, path) &&
			       str_eq(p->type, "esp")
		       ? CHECK_MAY_WRITE
		       : CHECK_WRITES_NOTHING;
}

static enum check_writes by_image(const struct image_opts *o, const char *path)
{
	enum check_writes ret = CHECK_WRITES_NOTHING;

	if ((o->clock_epoch && check_is_above(path, "/usr/lib/clock-epoch")) ||
	    (has_lost_found(o->filesystem) && str_eq(path, "/lost+found")))
		return CHECK_WRITES;
	for (size_t i = 0; i < o->partitions.count && ret != CHECK_WRITES; i++) {
		enum check_writes one =
			by_partition(o, LIST_AT(o->partitions, struct image_part_opts *, i), path);

		ret = one > ret ? one : ret;
	}
	return ret;
}

/* Packages and steps write anything, users their homes. */
static enum check_writes by_tree(const struct tree_opts *o, const char *path)
{
	for (size_t i = 0; i < o->users.count; i++)
		if (touches(LIST_AT(o->users, struct tree_user *, i)->home, path))
			return CHECK_MAY_WRITE;
	return o->debs.count || o->steps.count ? CHECK_MAY_WRITE : CHECK_WRITES_NOTHING;
}

enum check_writes check_writes(const struct check_view *v, const struct node *n, const char *path)
{
	const struct list *contents = check_list(n, "contents", OPT_STRUCT);
	enum check_writes ret = by_units(n, path), one;

	if (check_removes(n, path))
		return CHECK_WRITES_NOTHING;
	if (n->recipe->kind == &kind_image)
		one = by_image(n->recipe->opts, path);
	else if (n->recipe->kind == &kind_tree)
		one = by_tree(n->recipe->opts, path);
	else
		one = CHECK_MAY_WRITE;
	ret = one > ret ? one : ret;
	for (size_t i = 0; i < contents->count && ret != CHECK_WRITES; i++) {
		one = by_content(v, LIST_AT(*contents, struct content *, i), path);
		ret = one > ret ? one : ret;
	}
	return ret;
}
