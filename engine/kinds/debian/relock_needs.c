/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of packages that were found: who needs whom, why each is there, and what becomes of the lock. */
#include <string.h>

#include "kinds/debian/build_depends.h"
#include "kinds/debian/relock_priv.h"

const struct lock_entry *relock_found(const struct lock_entries *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i].name, name))
			return &list->items[i];
	return NULL;
}

/* Packages as they were found, their relations, and what leads to them. */
struct closure {
	struct relock *l;
	struct lock_entries *found;
	struct deb_packages packages; /* as FOUND, then those of one's own */
	struct deb_index *index;
	struct map reached; /* name -> not NULL */
	struct strv names;  /* being gathered */
};

static void add_name(void *arg, const struct deb_package *p)
{
	struct closure *c = arg;

	strv_push(&c->names, p->name);
}

/* The gathered names but SELF, sorted, once each, with commas; gathers from the start again. */
static const char *take_names(struct closure *c, const char *self)
{
	struct str text cleanup_str = STR_INIT;
	const char *last = "";

	strv_sort(&c->names);
	for (size_t i = 0; i < c->names.count; i++) {
		const char *name = c->names.items[i];

		if (!str_eq(name, last) && !(self && str_eq(name, self)) &&
		    !relock_is_own(c->l, name))
			str_printf(&text, "%s%s", text.len ? "," : "", name);
		last = name;
	}
	last = arena_strdup(c->l->arena, text.buf);
	strv_clear(&c->names);
	return last;
}

static const struct old_pin *base_pin(const struct relock *l, const char *name)
{
	const struct old_pin *p = relock_pin(l, name);

	return p && p->base ? p : NULL;
}

static int refuse_unmet(const struct closure *c, const struct deb_package *p, struct err **err)
{
	struct str missing cleanup_str = STR_INIT;

	if (!deb_index_missing(c->index, p->depends, &missing))
		return 0;
	return err_set(err, E_PACKAGES_CONFLICT,
		       "apt leaves '%s' %s without '%s': the archives do not fit together", p->name,
		       p->version, missing.buf);
}

static int find_needs(struct closure *c, struct err **err)
{
	for (size_t i = 0; i < c->packages.count; i++) {
		const struct deb_package *p = &c->packages.items[i];

		if (refuse_unmet(c, p, err) < 0)
			return -1;
		if (i >= c->found->count) /* one's own: no line of the lock */
			continue;
		deb_index_each(c->index, p->depends, add_name, c);
		if (c->l->o->recommends)
			deb_index_each(c->index, p->recommends, add_name, c);
		c->found->items[i].needs = take_names(c, p->name);
	}
	return 0;
}

static void reach(struct closure *c, const char *names)
{
	while (*names) {
		size_t n = strcspn(names, ",");
		const char *name = arena_strndup(c->l->arena, names, n);
		const struct lock_entry *e = relock_found(c->found, name);

		if (e && !map_set(&c->reached, name, (void *)e))
			reach(c, e->needs);
		names += n + (names[n] == ',');
	}
}

static void want(struct closure *c, const char *what)
{
	struct relock *l = c->l;
	const char *names = take_names(c, NULL);

	reach(c, names);
	lock_wants_push(&l->now.wants,
			(struct lock_want){.what = what, .names = relock_own_names(l, names)});
}

/* What arguments() asks for in any tree; apt counts itself to "?essential". */
static bool is_essential(const struct deb_package *p)
{
	return p->essential || str_eq(p->name, "apt") || str_eq(p->name, "usr-is-merged");
}

/* What is taken in place of what the base has. */
static void want_left(struct closure *c, const char *what, bool updated)
{
	const struct relock *l = c->l;

	for (size_t i = 0; i < l->pins.count; i++)
		if (l->pins.items[i].left && l->pins.items[i].updated == updated)
			strv_push(&c->names, l->pins.items[i].entry->name);
	if (c->names.count)
		want(c, what);
}

/* What apt took is what the word says; it reads more into words than we do. */
static int want_word(struct closure *c, const char *text, struct err **err)
{
	const struct relock *l = c->l;
	const struct lock_entry *e;
	struct package_word w;

	if (package_word_parse(l->arena, text, &w) != 0)
		return err_set(err, E_INTERNAL, "'%s' is not a word of 'packages'", text);
	if (relock_is_own(l, w.name))
		return err_set(err, E_CONFLICTING_KEYS,
			       "'%s' comes with 'debs': name it there alone", text);
	e = relock_found(c->found, w.name);
	if (e && w.version && !str_eq(e->version, w.version))
		return err_set(err, E_PACKAGES_CONFLICT,
			       "'%s' cannot be had together with the other packages: apt takes %s",
			       text, e->version);
	if (e)
		strv_push(&c->names, w.name);
	else /* a virtual package */
		deb_index_each(c->index, w.name, add_name, c);
	if (!c->names.count)
		return err_set(err, E_UNKNOWN_PACKAGE, "there is no package '%s' in the archives",
			       text);
	want(c, text);
	return 0;
}

/* What the packages of a word of `debs:` need. */
static void want_debs(struct closure *c, const char *word)
{
	const struct relock *l = c->l;

	for (size_t i = 0; i < l->own.count; i++) {
		const struct own_deb *own = &l->own.items[i];

		if (own->of->below || !str_eq(own->of->word, word))
			continue;
		deb_index_each(c->index, own->package.depends, add_name, c);
		if (l->o->recommends)
			deb_index_each(c->index, own->package.recommends, add_name, c);
	}
	want(c, arena_printf(l->arena, LOCK_DEBS_PREFIX "%s", word));
}

static int find_wants(struct closure *c, struct err **err)
{
	const struct relock *l = c->l;

	for (size_t i = 0; i < c->packages.count; i++)
		if (is_essential(&c->packages.items[i]))
			strv_push(&c->names, c->packages.items[i].name);
	want(c, LOCK_ESSENTIAL);
	want_left(c, LOCK_UPDATED, true);
	want_left(c, LOCK_MOVED, false);
	for (size_t i = 0; i < l->o->packages.count; i++)
		if (want_word(c, LIST_AT(l->o->packages, const char *, i), err) < 0)
			return -1;
	for (size_t i = 0; i < l->builds.count; i++) {
		deb_index_each(c->index, l->builds.items[i], add_name, c);
		want(c, arena_printf(l->arena, LOCK_BUILD_PREFIX "%s",
				     LIST_AT(l->o->build_depends, const char *, i)));
	}
	for (size_t i = 0; i < l->o->debs.count; i++)
		want_debs(c, LIST_AT(l->o->debs, const struct ref *, i)->text);
	return 0;
}

int relock_put_packages(struct relock *l, struct lock_entries *found, struct err **err)
{
	struct closure c = {.l = l, .found = found};
	int r = 0;

	for (size_t i = 0; r == 0 && i < found->count; i++) {
		r = relock_describe(l, &found->items[i], err);
		if (r == 0)
			deb_packages_push(&c.packages, *relock_record(l, &found->items[i].sha256));
	}
	for (size_t i = 0; i < l->own.count; i++)
		deb_packages_push(&c.packages, l->own.items[i].package);
	c.index = deb_index_new(&c.packages);
	if (r == 0)
		r = find_needs(&c, err);
	if (r == 0)
		r = find_wants(&c, err);
	for (size_t i = 0; r == 0 && i < found->count; i++) {
		const struct lock_entry *e = &found->items[i];

		if (map_get(&c.reached, e->name) && !base_pin(l, e->name))
			lock_entries_push(&l->now.entries, *e);
	}
	deb_index_free(c.index);
	deb_packages_clear(&c.packages);
	map_clear(&c.reached);
	strv_clear(&c.names);
	return r;
}
