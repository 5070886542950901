/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a lock says, compared with the packages themselves: digests fit by now (debian_fetch()), but
 * a line may carry the digest of another package, and a package may lack what it depends on.
 */
#include "kinds/debian/debian.h"
#include "media/deb/deb.h"
#include "media/deb/deb_relations.h"
#include "run/action.h"

/* ---- one package and its line ---- */

static int differs(const struct action *a, const struct lock_entry *e, const char *what,
		   const char *pinned, const char *is, struct err **err)
{
	return err_set(err, E_PACKAGE_MISMATCH,
		       "%s pins package '%s' %s with %s '%s', but the package with that digest "
		       "says '%s': restore the lock, or run 'orch lock %s --update %s'",
		       debian_lock_path(a->arena, a->node), e->name, e->version, what, pinned, is,
		       a->node, e->name);
}

int debian_compare(const struct action *a, const struct deb *d, const struct lock_entry *e,
		   struct err **err)
{
	struct deb_package p;

	if (deb_package_parse(a->arena, d->control, &p) != 0)
		return err_set(err, E_PACKAGE_MISMATCH, "package '%s' lacks name or version",
			       e->name);
	if (!str_eq(p.name, e->name))
		return differs(a, e, "name", e->name, p.name, err);
	if (!str_eq(p.version, e->version))
		return differs(a, e, "version", e->version, p.version, err);
	if (!str_eq(p.arch, e->arch))
		return differs(a, e, "architecture", e->arch, p.arch, err);
	if (!e->source)
		return 0;
	if (!str_eq(p.source, e->source))
		return differs(a, e, "source", e->source, p.source, err);
	if (!str_eq(p.source_version, e->source_version))
		return differs(a, e, "source version", e->source_version, p.source_version, err);
	if (p.installed_kib != e->installed)
		return differs(a, e, "installed size",
			       arena_printf(a->arena, "%llu", (unsigned long long)e->installed),
			       arena_printf(a->arena, "%llu", (unsigned long long)p.installed_kib),
			       err);
	return 0;
}

static int compare_tools(const struct action *a, const struct debian_lock *l, struct err **err)
{
	for (size_t i = 0; i < l->entries.count; i++) {
		const struct lock_entry *e = &l->entries.items[i];
		struct deb_set set cleanup_deb_set = {0};

		if (e->type == LOCK_TOOL && (deb_open(&set, debian_file(a, e), e->name, err) < 0 ||
					     debian_compare(a, set.items[0], e, err) < 0))
			return -1;
	}
	return 0;
}

/* ---- all packages and what they depend on ---- */

static int check_closure(const struct action *a, const struct deb_packages *all, struct err **err)
{
	struct deb_index *index cleanup_deb_index = deb_index_new(all);

	for (size_t i = 0; i < all->count; i++) {
		const struct deb_package *p = &all->items[i];
		struct str missing cleanup_str = STR_INIT;

		if (deb_index_missing(index, p->depends, &missing))
			return err_set(err, E_UNMET_DEPENDENCY,
				       "package '%s' %s depends on '%s', which nothing in %s "
				       "satisfies: run 'orch lock %s'",
				       p->name, p->version, missing.buf,
				       debian_lock_path(a->arena, a->node), a->node);
	}
	return 0;
}

int debian_verify(const struct action *a, const struct debian_lock *l, const struct deb_set *set,
		  const char *status, struct err **err)
{
	struct deb_packages all = {0};
	int r;

	deb_packages_installed(a->arena, status, set, &all);
	for (size_t i = 0; i < set->count; i++) {
		struct deb_package p;

		if (deb_package_parse(a->arena, set->items[i]->control, &p) == 0)
			deb_packages_push(&all, p);
	}
	r = check_closure(a, &all, err);
	deb_packages_clear(&all);
	return r < 0 ? -1 : compare_tools(a, l, err);
}
