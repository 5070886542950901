/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/deb/deb_relations.h"

#include <string.h>

#include "base/map.h"
#include "media/deb/deb.h"

/* ---- a package's stanza ---- */

static const char *field(struct arena *arena, const char *stanza, const char *name)
{
	char *value cleanup_free = deb_field(stanza, name);

	return value ? arena_strdup(arena, value) : "";
}

/* "glibc (2.41-12)": the version only where it is not the package's own. */
static void parse_source(struct arena *arena, const char *source, struct deb_package *p)
{
	size_t n = strcspn(source, " (");
	const char *open = strchr(source, '(');

	p->source = n ? arena_strndup(arena, source, n) : p->name;
	p->source_version =
		open ? arena_strndup(arena, open + 1, strcspn(open + 1, " )")) : p->version;
}

int deb_package_parse(struct arena *arena, const char *stanza, struct deb_package *ret)
{
	const char *pre = field(arena, stanza, "Pre-Depends"),
		   *depends = field(arena, stanza, "Depends");
	struct deb_package p = {
		.name = field(arena, stanza, "Package"),
		.version = field(arena, stanza, "Version"),
		.arch = field(arena, stanza, "Architecture"),
		.recommends = field(arena, stanza, "Recommends"),
		.provides = field(arena, stanza, "Provides"),
		.essential = str_eq(field(arena, stanza, "Essential"), "yes"),
	};

	if (!*p.name || !*p.version || !*p.arch)
		return 1;
	p.depends = *pre && *depends ? arena_printf(arena, "%s, %s", pre, depends)
		    : *pre           ? pre
				     : depends;
	parse_source(arena, field(arena, stanza, "Source"), &p);
	if (str_u64(field(arena, stanza, "Installed-Size"), &p.installed_kib) != 0)
		p.installed_kib = 0;
	*ret = p;
	return 0;
}

static bool in_set(const struct deb_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (str_eq(set->items[i]->name, name))
			return true;
	return false;
}

void deb_packages_installed(struct arena *arena, const char *status, const struct deb_set *but,
			    struct deb_packages *ret)
{
	char *text cleanup_free = status ? xstrdup(status) : NULL;
	char *rest = text, *stanza;

	while ((stanza = deb_next_stanza(&rest))) {
		char *state cleanup_free = deb_field(stanza, "Status");
		struct deb_package p;

		if (state && str_skip(state, "install ok ") &&
		    deb_package_parse(arena, stanza, &p) == 0 && !in_set(but, p.name))
			deb_packages_push(ret, p);
	}
}

/* ---- the index ---- */

struct provider {
	const struct deb_package *package;
	char *version; /* owned; a relation's version is compared with it; NULL: there is none */
};
DEFINE_VEC(providers, struct provider)

struct deb_index {
	struct arena *names;
	struct map by_name; /* -> struct providers * */
};

static void index_add(struct deb_index *index, const char *name, struct provider p)
{
	struct providers *list = map_get(&index->by_name, name);

	if (!list) {
		list = xcalloc(1, sizeof(*list));
		map_set(&index->by_name, arena_strdup(index->names, name), list);
	}
	providers_push(list, p);
}

struct deb_index *deb_index_new(const struct deb_packages *all)
{
	struct deb_index *index = xcalloc(1, sizeof(*index));

	index->names = arena_new();
	for (size_t i = 0; i < all->count; i++) {
		const struct deb_package *p = &all->items[i];
		const char *rest = p->provides;
		struct deb_relation r;

		index_add(index, p->name, (struct provider){p, xstrdup(p->version)});
		while (deb_relation_next(&rest, &r))
			index_add(index, r.name,
				  (struct provider){p, *r.version ? xstrdup(r.version) : NULL});
	}
	return index;
}

void deb_index_free(struct deb_index *index)
{
	if (!index)
		return;
	for (size_t i = 0; i < index->by_name.count; i++) {
		struct providers *list = index->by_name.entries[i].value;

		for (size_t k = 0; k < list->count; k++)
			free(list->items[k].version);
		providers_clear(list);
		free(list);
	}
	map_clear(&index->by_name);
	arena_free(index->names);
	free(index);
}

/* The number of packages that satisfy R. */
static size_t relation_each(const struct deb_index *index, const struct deb_relation *r,
			    void (*fn)(void *arg, const struct deb_package *p), void *arg)
{
	const struct providers *list = map_get(&index->by_name, r->name);
	size_t count = 0;

	for (size_t i = 0; list && i < list->count; i++) {
		if (!deb_relation_allows(r, list->items[i].version))
			continue;
		count++;
		if (fn)
			fn(arg, list->items[i].package);
	}
	return count;
}

void deb_index_each(const struct deb_index *index, const char *relations,
		    void (*fn)(void *arg, const struct deb_package *p), void *arg)
{
	struct deb_relation r;

	while (deb_relation_next(&relations, &r))
		relation_each(index, &r, fn, arg);
}

bool deb_index_missing(const struct deb_index *index, const char *relations, struct str *ret)
{
	struct deb_relation r;
	const char *start = relations;
	size_t count = 0;

	while (deb_relation_next(&relations, &r)) {
		count += relation_each(index, &r, NULL, NULL);
		if (r.more)
			continue;
		if (!count) {
			start += strspn(start, " \t\n,|");
			str_append_len(ret, start, (size_t)(relations - start));
			return true;
		}
		start = relations;
		count = 0;
	}
	return false;
}
