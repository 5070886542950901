/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What building source packages needs (`build-depends:`), among the packages of a lock. */
#include "kinds/debian/build_depends.h"
#include "kinds/debian/relock_priv.h"

static const char *pinned_source(const struct relock *l, const char *name)
{
	for (size_t i = 0; i < l->now.entries.count; i++) {
		const struct lock_entry *e = &l->now.entries.items[i];

		if (e->type == LOCK_SOURCE && str_eq(e->name, name))
			return e->version;
	}
	return "";
}

int relock_find_builds(struct relock *l, struct apt_request *q, struct err **err)
{
	struct str own cleanup_str = STR_INIT;

	for (size_t i = 0; i < l->o->build_depends.count; i++) {
		const char *word = LIST_AT(l->o->build_depends, const char *, i), *fields;
		int r = build_depends_of_source(l->o, word)
				? apt_source_needs(q, word, pinned_source(l, word), &fields, err)
				: build_depends_read(l->arena, l->project, word, &fields, err);

		if (r < 0)
			return -1;
		strv_push(&l->builds, build_depends_reduce(l->arena, fields, q->arch));
	}
	relock_list_debs(l, &own);
	return l->builds.count || own.len ? apt_add_builds(q, &l->builds, own.buf, err) : 0;
}

/* The word that a package of apt_add_builds() stands for; NULL: NAME is none. */
static const char *build_of(const struct relock *l, const char *name)
{
	const char *number = str_skip(name, APT_BUILD);
	uint64_t i;

	if (!number || str_u64(number, &i) != 0 || i >= l->builds.count)
		return NULL;
	return LIST_AT(l->o->build_depends, const char *, i);
}

void relock_push_builds(const struct relock *l, struct strv *words)
{
	for (size_t i = 0; i < l->builds.count; i++)
		strv_printf(words, APT_BUILD "%zu", i);
}

const char *relock_subject(const struct relock *l, const char *package)
{
	const char *build = build_of(l, package);

	return arena_printf(l->arena, "%s'%s'", build ? "the build of " : "",
			    build ? build : package);
}

void relock_drop_builds(const struct relock *l, struct lock_entries *found)
{
	size_t n = 0;

	for (size_t i = 0; i < found->count; i++)
		if (!build_of(l, found->items[i].name) && !relock_is_own(l, found->items[i].name))
			found->items[n++] = found->items[i];
	found->count = n;
}
