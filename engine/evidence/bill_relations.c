/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What packages of a part need of each other, and what they were built of besides their source. */
#include "base/map.h"
#include "base/str.h"
#include "evidence/bill.h"
#include "media/deb/deb.h"
#include "media/deb/deb_relations.h"

/* ---- dependencies ---- */

struct needing {
	const struct deb_packages *all;
	const struct bill_part *part;
	size_t user;
	bool *needed; /* by index in the part */
};

/* The other of two packages of one name is of another architecture, and not meant. */
static bool fits(const struct needing *n, size_t i)
{
	const struct bill_package *a = &n->part->packages.items[n->user],
				  *b = &n->part->packages.items[i];
	const struct bill_package *others = n->part->packages.items;

	if (str_eq(a->arch, b->arch) || str_eq(a->arch, "all") || str_eq(b->arch, "all"))
		return true;
	for (size_t k = 0; k < n->part->packages.count; k++) {
		if (str_eq(others[k].name, b->name) && str_eq(others[k].arch, a->arch))
			return false;
	}
	return true;
}

static void note_needed(void *arg, const struct deb_package *p)
{
	struct needing *n = arg;
	size_t i = (size_t)(p - n->all->items);

	if (i != n->user && fits(n, i))
		n->needed[i] = true;
}

void bill_each_need(const struct bill_part *part, bill_need_fn *fn, void *arg)
{
	struct deb_packages all = {0};
	struct deb_index *index;
	bool *needed cleanup_free = xcalloc(part->packages.count + 1, sizeof(*needed));

	for (size_t i = 0; i < part->packages.count; i++) {
		const struct bill_package *p = &part->packages.items[i];

		deb_packages_push(&all, (struct deb_package){.name = p->name,
							     .version = p->version,
							     .arch = p->arch,
							     .depends = p->depends,
							     .provides = p->provides});
	}
	index = deb_index_new(&all);
	for (size_t i = 0; i < part->packages.count; i++) {
		struct needing n = {&all, part, i, needed};

		memset(needed, 0, part->packages.count);
		deb_index_each(index, part->packages.items[i].depends, note_needed, &n);
		for (size_t k = 0; k < part->packages.count; k++) {
			if (needed[k])
				fn(arg, i, k);
		}
	}
	deb_index_free(index);
	deb_packages_clear(&all);
}

/* ---- sources ---- */

void bill_each_built_using(struct arena *arena, const struct bill_package *p,
			   void (*fn)(void *arg, const struct bill_package *source), void *arg)
{
	struct map seen cleanup_map = {0};
	const char *rest = p->built_using;
	struct deb_relation r;

	while (rest && deb_relation_next(&rest, &r)) {
		struct bill_package source = {.source = arena_strdup(arena, r.name),
					      .source_version = arena_strdup(arena, r.version),
					      .vendor = p->vendor,
					      .codename = p->codename};

		if (str_eq(r.op, "=") && !map_set(&seen, bill_source_purl(arena, &source), &seen))
			fn(arg, &source);
	}
}
