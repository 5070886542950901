/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/deb/deb_seed.h"

#include <string.h>
#include <sys/stat.h>

#include "base/str.h"

/* Directories of / that are links into /usr on a merged-usr system. */
static const char *const aliased[] = {"bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"};
#define ALWAYS_ALIASED 3

struct seeding {
	struct tree *t;
	struct str path; /* what the filter made of a path */
};

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

/* A path below such a directory becomes the one the link points to, which is as new as the path: a
 * reading does not follow links of its own. The directory itself is left out. */
static int on_entry(void *arg, const char **path, struct tree_inode *inode, struct err **err)
{
	struct seeding *s = arg;
	char *first cleanup_free = xstrndup(*path, strcspn(*path, "/"));
	bool below = strchr(*path, '/') != NULL;

	if (!is_aliased(first) || !(below || S_ISDIR(inode->mode)))
		return 0;
	str_clear(&s->path);
	str_printf(&s->path, "usr/%s", *path);
	*path = s->path.buf;
	return add_alias(s->t, first, err) < 0 ? -1 : !below;
}

int deb_seed(const struct deb_set *debs, struct tree *t, struct err **err)
{
	struct seeding s = {t, STR_INIT};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ALWAYS_ALIASED; i++)
		r = add_alias(t, aliased[i], err);
	for (size_t i = 0; r == 0 && i < debs->count; i++) {
		const struct deb *d = debs->items[i];

		r = tree_read_tar_filter(t, "/", d->label, d->map + d->data_at, d->data_len,
					 TREE_FOLLOW | TREE_REPLACE, on_entry, &s, err);
		if (r < 0)
			err_wrap(err, "package '%s'", d->label);
	}
	str_release(&s.path);
	if (r == 0)
		r = tree_add_file(t, "var/lib/dpkg/status", 0644, "", 0, err);
	return r;
}

/* ---- directories of an overlay ---- */

struct dirs {
	const struct tree *overlay;
	struct tree *t;
};

static int on_dir(void *arg, const char **path, struct tree_inode *inode, struct err **err)
{
	const struct dirs *d = arg;
	const struct tree_entry *e = S_ISDIR(inode->mode) ? tree_lookup(d->overlay, *path) : NULL;

	(void)err;
	return !(e && S_ISDIR(e->inode->mode) && !tree_lookup(d->t, *path));
}

int deb_seed_dirs(const struct deb_set *debs, const char *overlay, struct tree *t, struct err **err)
{
	struct tree *laid cleanup_tree = tree_new(tree_epoch(t), NULL);
	struct dirs d = {laid, t};

	for (size_t i = 0; i < array_len(aliased); i++)
		if (tree_lookup(t, aliased[i]) && add_alias(laid, aliased[i], err) < 0)
			return -1;
	if (tree_copy_path(laid, "/", overlay, TREE_SKIP_GIT, err) < 0)
		return -1;
	for (size_t i = 0; i < debs->count; i++) {
		const struct deb *deb = debs->items[i];

		if (tree_read_tar_filter(t, "/", deb->label, deb->map + deb->data_at, deb->data_len,
					 TREE_FOLLOW, on_dir, &d, err) < 0)
			return err_wrap(err, "package '%s'", deb->label);
	}
	return 0;
}
