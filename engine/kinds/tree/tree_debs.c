/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "kinds/deb_inputs.h"
#include "kinds/tree/tree_opts.h"
#include "media/deb/deb.h"
#include "media/deb/deb_relations.h"

#define MAX_STATUS (64 * 1024 * 1024)

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
	if (deb_inputs_open(a, "debs", &((const struct tree_opts *)a->opts)->debs, set, err) < 0 ||
	    check_set(set, arch, err) < 0 || check_depends(a, set, status, err) < 0)
		return -1;
	deb_plan_make(set, status, ret);
	return 0;
}
