/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/path.h"
#include "kinds/tree/tree_opts.h"
#include "media/deb/deb.h"
#include "media/deb/deb_relations.h"
#include "media/tree/tree_export.h"

#define MAX_STATUS (64 * 1024 * 1024)

/* ---- opening ---- */

static int open_directory(struct action *a, const struct action_input *in, struct deb_set *set,
			  struct err **err)
{
	struct tree *t cleanup_tree = tree_new(a->epoch, a->workdir);
	size_t count, before = set->count;
	struct tree_entry *const *entries;

	if (tree_copy_path(t, "/", in->path, TREE_SKIP_GIT, err) < 0)
		return -1;
	entries = tree_entries(t, &count);
	for (size_t i = 0; i < count; i++) {
		char *path cleanup_free = path_join(in->path, entries[i]->path);

		if (str_ends(entries[i]->path, ".deb") && deb_open(set, path, NULL, err) < 0)
			return -1;
	}
	if (set->count == before)
		return err_set(err, E_WRONG_INPUT, "there is no .deb in it");
	return 0;
}

static int open_outputs(const struct action_input *in, struct deb_set *set, struct err **err)
{
	size_t before = set->count;

	for (size_t i = 0; i < in->file_count; i++)
		if (str_ends(in->files[i].name, ".deb") &&
		    deb_open(set, in->files[i].path, in->files[i].name, err) < 0)
			return -1;
	if (set->count == before)
		return err_set(err, E_WRONG_INPUT, "no output of it is a .deb");
	return 0;
}

static int open_debs(struct action *a, struct deb_set *set, struct err **err)
{
	const struct tree_opts *o = a->opts;

	for (size_t i = 0; i < o->debs.count; i++) {
		const struct ref *ref = LIST_AT(o->debs, struct ref *, i);
		const struct action_input *in = action_input(a, ref);
		int rc = in->type == INPUT_FOLDER ? open_directory(a, in, set, err)
			 : in->type == INPUT_NODE ? open_outputs(in, set, err)
						  : deb_open(set, in->path, in->ref, err);

		if (rc < 0)
			return err_wrap(err, "debs: '%s'", ref->text);
	}
	return 0;
}

/* ---- checks ---- */

static int check_set(const struct deb_set *set, const char *arch, struct err **err)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct deb *d = set->items[i];

		if (!str_eq(d->arch, "all") && !str_eq(d->arch, arch))
			return err_set(err, E_WRONG_ARCHITECTURE,
				       "debs: package '%s' is for architecture '%s', and the tree "
				       "is '%s'",
				       d->name, d->arch, arch);
		for (size_t k = 0; k < i; k++)
			if (str_eq(d->name, set->items[k]->name))
				return err_set(err, E_DUPLICATE_NAME,
					       "debs: package '%s' is there twice", d->name);
	}
	return 0;
}

/*
 * Of ALL, the first TREE_COUNT are the tree's: those that had what they need must still have it,
 * those that are added must have it now.
 */
static int check_closure(const struct deb_packages *all, size_t tree_count,
			 const struct deb_packages *earlier, struct err **err)
{
	struct deb_index *now cleanup_deb_index = deb_index_new(all);
	struct deb_index *then cleanup_deb_index = deb_index_new(earlier);

	for (size_t i = 0; i < all->count; i++) {
		const struct deb_package *p = &all->items[i];
		struct str missing cleanup_str = STR_INIT, before cleanup_str = STR_INIT;

		if (!deb_index_missing(now, p->depends, &missing))
			continue;
		if (i >= tree_count)
			return err_set(err, E_UNMET_DEPENDENCY,
				       "debs: package '%s' %s depends on '%s', which the tree does "
				       "not have: add it to the packages of the tree below, or to "
				       "'debs'",
				       p->name, p->version, missing.buf);
		if (!deb_index_missing(then, p->depends, &before))
			return err_set(err, E_UNMET_DEPENDENCY,
				       "debs: package '%s' %s of the tree depends on '%s', which "
				       "would no longer be there",
				       p->name, p->version, missing.buf);
	}
	return 0;
}

static int check_depends(struct action *a, const struct deb_set *set, const char *status,
			 struct err **err)
{
	const struct deb_set none = {0};
	struct deb_packages all = {0}, earlier = {0};
	size_t tree_count;
	int rc;

	deb_packages_installed(a->arena, status, &none, &earlier);
	deb_packages_installed(a->arena, status, set, &all);
	tree_count = all.count;
	for (size_t i = 0; i < set->count; i++) {
		struct deb_package p;

		if (deb_package_parse(a->arena, set->items[i]->control, &p) == 0)
			deb_packages_push(&all, p);
	}
	rc = check_closure(&all, tree_count, &earlier, err);
	deb_packages_clear(&all);
	deb_packages_clear(&earlier);
	return rc;
}

/* The architecture of the tree's dpkg; NULL: it has none. */
static const char *dpkg_arch(struct action *a, const char *status)
{
	const struct deb_set none = {0};
	struct deb_packages all = {0};
	const char *arch = NULL;

	deb_packages_installed(a->arena, status, &none, &all);
	for (size_t i = 0; i < all.count; i++)
		if (str_eq(all.items[i].name, "dpkg"))
			arch = all.items[i].arch;
	deb_packages_clear(&all);
	return arch;
}

int tree_plan_debs(struct action *a, const struct tree *t, struct deb_set *set,
		   struct deb_plan *ret, struct err **err)
{
	struct tree_entry *e = tree_resolve(t, "var/lib/dpkg/status");
	char *status cleanup_free = e ? tree_inode_text(e->inode, MAX_STATUS) : NULL;
	const char *arch = status ? dpkg_arch(a, status) : NULL;

	if (!arch)
		return err_set(err, E_UNMET_DEPENDENCY,
			       "debs: the tree has no package 'dpkg', which installs them: "
			       "'unpack' what needs no installation");
	if (open_debs(a, set, err) < 0 || check_set(set, arch, err) < 0 ||
	    check_depends(a, set, status, err) < 0)
		return -1;
	deb_plan_make(set, status, ret);
	return 0;
}
