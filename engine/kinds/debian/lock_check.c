/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether a lock answers its recipe and nothing of it is lost: from the recipe's words over `want`
 * lines and NEEDS to every package, without asking an archive.
 */
#include <string.h>

#include "base/path.h"
#include "kinds/debian/build_depends.h"
#include "kinds/debian/lock_check.h"

bool lock_applies(const struct recipe *r)
{
	return str_eq(r->kind->name, "debian");
}

struct checking {
	struct arena *arena;
	const struct project *project;
	const struct recipe *recipe;
	const struct debian_opts *o;
	struct debian_lock lock, base;
	struct map own;   /* "name" of packages, "?tools NAME:ARCH", "source:NAME FILE" -> entry */
	struct map below; /* names of the base's packages */
	struct map reached; /* as OWN: what wants and needs lead to */
	struct err_list *errors;
};

#define RELOCK "run 'orch lock %s', which keeps the other pins"

static struct pos at_line(const struct checking *c, unsigned line)
{
	return (struct pos){debian_lock_path(c->arena, c->recipe->name), line, 1};
}

static const char *entry_key(struct arena *arena, const struct lock_entry *e)
{
	if (e->type == LOCK_TOOL)
		return arena_printf(arena, LOCK_TOOLS " %s:%s", e->name, e->arch);
	if (e->type == LOCK_SOURCE)
		return arena_printf(arena, LOCK_SOURCE_PREFIX "%s %s", e->name, path_base(e->path));
	return e->name;
}

static void index_entries(struct checking *c)
{
	for (size_t i = 0; i < c->lock.entries.count; i++) {
		const struct lock_entry *e = &c->lock.entries.items[i];

		if (e->type == LOCK_PACKAGE && !str_eq(e->arch, "all") &&
		    !str_eq(e->arch, c->lock.arch))
			err_list_at(c->errors, E_WRONG_ARCHITECTURE, at_line(c, e->line),
				    "'%s' is of architecture '%s', not '%s': " RELOCK, e->name,
				    e->arch, c->lock.arch, c->recipe->name);
		if (map_set(&c->own, entry_key(c->arena, e), (void *)e))
			err_list_at(c->errors, E_LOCK_STALE, at_line(c, e->line),
				    "'%s' is in the lock twice: " RELOCK, e->name, c->recipe->name);
	}
	for (size_t i = 0; i < c->base.entries.count; i++)
		map_set(&c->below, c->base.entries.items[i].name, &c->base.entries.items[i]);
}

/* ---- what wants and needs lead to ---- */

static void reach(struct checking *c, const char *key, const char *by, unsigned line);

/* NAMES with commas. PREFIX goes before each. */
static void reach_all(struct checking *c, const char *prefix, const char *names, const char *by,
		      unsigned line)
{
	while (*names) {
		size_t n = strcspn(names, ",");

		reach(c, arena_printf(c->arena, "%s%.*s", prefix, (int)n, names), by, line);
		names += n + (names[n] == ',');
	}
}

static void reach(struct checking *c, const char *key, const char *by, unsigned line)
{
	const struct lock_entry *e = map_get(&c->own, key);

	if (!e) {
		if (!map_get(&c->below, key))
			err_list_at(c->errors, E_LOCK_STALE, at_line(c, line),
				    "%s needs '%s', which the lock has lost: " RELOCK, by, key,
				    c->recipe->name);
		return;
	}
	if (map_set(&c->reached, key, (void *)e) || !e->needs)
		return;
	reach_all(c, "", e->needs, arena_printf(c->arena, "'%s'", e->name), e->line);
}

/* The names of a `want` are this lock's own, whatever the base has. */
static void need_own(struct checking *c, const struct lock_want *w)
{
	for (const char *names = w->names; *names;) {
		size_t n = strcspn(names, ",");
		const char *name = arena_strndup(c->arena, names, n);

		if (!map_get(&c->own, name) && map_get(&c->below, name))
			err_list_at(c->errors, E_LOCK_STALE, at_line(c, w->line),
				    "the recipe needs '%s', which the lock has lost: " RELOCK, name,
				    c->recipe->name);
		names += n + (names[n] == ',');
	}
}

static void follow_wants(struct checking *c)
{
	for (size_t i = 0; i < c->lock.wants.count; i++) {
		const struct lock_want *w = &c->lock.wants.items[i];
		bool keyed = str_eq(w->what, LOCK_TOOLS) || str_skip(w->what, LOCK_SOURCE_PREFIX);
		const char *prefix = keyed ? arena_printf(c->arena, "%s ", w->what) : "";

		if (!keyed)
			need_own(c, w);
		reach_all(c, prefix, w->names, "the recipe", w->line);
	}
	for (size_t i = 0; i < c->lock.entries.count; i++) {
		const struct lock_entry *e = &c->lock.entries.items[i];

		if (!map_get(&c->reached, entry_key(c->arena, e)))
			err_list_at(c->errors, E_LOCK_STALE, at_line(c, e->line),
				    "nothing in the lock needs '%s': " RELOCK, e->name,
				    c->recipe->name);
	}
}

/* ---- the recipe's words ---- */

static const struct lock_want *find_want(const struct checking *c, const char *what)
{
	for (size_t i = 0; i < c->lock.wants.count; i++)
		if (str_eq(c->lock.wants.items[i].what, what))
			return &c->lock.wants.items[i];
	return NULL;
}

static void need_want(struct checking *c, struct pos pos, const char *what, const char *text)
{
	if (!find_want(c, what))
		err_list_at(c->errors, E_LOCK_STALE, pos, "'%s' is not in %s: " RELOCK, text,
			    debian_lock_path(c->arena, c->recipe->name), c->recipe->name);
}

/* With a node below, no name may be what that has, under another name (a virtual package). */
static void need_package(struct checking *c, struct pos pos, const char *text)
{
	const struct lock_want *want = find_want(c, text);

	need_want(c, pos, text, text);
	if (want && !*want->names && !c->o->from)
		err_list_at(c->errors, E_LOCK_STALE, pos, "'%s' has no package in %s: " RELOCK,
			    text, debian_lock_path(c->arena, c->recipe->name), c->recipe->name);
}

static void check_version(struct checking *c, struct pos pos, const char *text)
{
	struct package_word w;
	const struct lock_entry *e;

	if (package_word_parse(c->arena, text, &w) != 0 || !w.version)
		return;
	e = map_get(&c->own, w.name);
	if (!e)
		e = map_get(&c->below, w.name);
	if (e && !str_eq(e->version, w.version))
		err_list_at(c->errors, E_LOCK_STALE, pos, "'%s' is %s in %s: " RELOCK, text,
			    e->version, debian_lock_path(c->arena, c->recipe->name),
			    c->recipe->name);
}

static bool has_text(const struct list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(LIST_AT(*list, const char *, i), text))
			return true;
	return false;
}

static bool has_ref(const struct list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(LIST_AT(*list, const struct ref *, i)->text, text))
			return true;
	return false;
}

/* No line of the lock answers what nobody asks. */
static void check_wants(struct checking *c)
{
	for (size_t i = 0; i < c->lock.wants.count; i++) {
		const struct lock_want *w = &c->lock.wants.items[i];
		const char *source = str_skip(w->what, LOCK_SOURCE_PREFIX),
			   *build = str_skip(w->what, LOCK_BUILD_PREFIX),
			   *debs = str_skip(w->what, LOCK_DEBS_PREFIX);

		if (source  ? has_text(&c->o->sources, source)
		    : build ? has_text(&c->o->build_depends, build)
		    : debs  ? has_ref(&c->o->debs, debs)
			    : *w->what == '?' || has_text(&c->o->packages, w->what))
			continue;
		err_list_at(c->errors, E_LOCK_STALE, at_line(c, w->line),
			    "the recipe does not ask for '%s': " RELOCK, source ? source : w->what,
			    c->recipe->name);
	}
}

static void check_words(struct checking *c)
{
	const struct yaml *map = c->recipe->map;
	struct pos start = at_line(c, 1);

	for (size_t i = 0; i < c->o->packages.count; i++) {
		const char *text = LIST_AT(c->o->packages, const char *, i);
		struct pos pos = debian_item_pos(map, "packages", i);

		need_package(c, pos, text);
		check_version(c, pos, text);
	}
	for (size_t i = 0; i < c->o->sources.count; i++) {
		const char *text = LIST_AT(c->o->sources, const char *, i);

		need_want(c, debian_item_pos(map, "sources", i),
			  arena_printf(c->arena, LOCK_SOURCE_PREFIX "%s", text), text);
	}
	for (size_t i = 0; i < c->o->build_depends.count; i++) {
		const char *text = LIST_AT(c->o->build_depends, const char *, i);

		need_want(c, debian_item_pos(map, "build-depends", i),
			  arena_printf(c->arena, LOCK_BUILD_PREFIX "%s", text), text);
	}
	for (size_t i = 0; i < c->o->debs.count; i++) {
		const struct ref *ref = LIST_AT(c->o->debs, const struct ref *, i);

		need_want(c, ref->pos, arena_printf(c->arena, LOCK_DEBS_PREFIX "%s", ref->text),
			  ref->text);
	}
	if (c->o->packages.count && !c->o->from)
		need_want(c, start, LOCK_ESSENTIAL, LOCK_ESSENTIAL);
	if (c->o->packages.count)
		need_want(c, start, LOCK_TOOLS, LOCK_TOOLS);
}

/* ---- archives ---- */

static const struct archive *find_archive(const struct project *p, const char *alias)
{
	for (size_t i = 0; i < p->archives.count; i++) {
		const struct archive *a = LIST_AT(p->archives, const struct archive *, i);

		if (str_eq(a->alias, alias))
			return a;
	}
	return NULL;
}

/* The word of an archive's line that differs, or NULL. */
static const char *changed_word(const struct lock_archive *now, const struct lock_archive *was)
{
	if (!str_eq(now->suites, was->suites))
		return "suites";
	if (!str_eq(now->components, was->components))
		return "components";
	if (!str_eq(now->keys, was->keys))
		return "keys";
	return now->valid_until_ignored != was->valid_until_ignored ? "words on valid-until" : NULL;
}

static void check_archive(struct checking *c, const struct lock_archive *was)
{
	const struct archive *a = find_archive(c->project, was->alias);
	struct pos pos = {.file = c->recipe->file, .line = 1, .col = 1};
	struct lock_archive now;
	struct err *err = NULL;
	const char *what;

	if (!a) {
		err_list_at(c->errors, E_UNKNOWN_ARCHIVE, pos,
			    "%s has packages of archive '%s', which recipes/project.yaml lacks: "
			    "run 'orch lock %s'",
			    debian_lock_path(c->arena, c->recipe->name), was->alias,
			    c->recipe->name);
		return;
	}
	if (debian_archive_record(c->arena, c->project, a, &now, &err) < 0) {
		err_list_add(c->errors, err);
		return;
	}
	what = changed_word(&now, was);
	if (what)
		err_list_at(c->errors, E_LOCK_STALE, pos,
			    "%s does not answer this recipe any more (the %s of archive '%s' have "
			    "changed): " RELOCK,
			    debian_lock_path(c->arena, c->recipe->name), what, was->alias,
			    c->recipe->name);
}

/* Each archive of an entry has a line, and each line is of use. */
static void check_archives(struct checking *c)
{
	struct map used cleanup_map = {0};

	for (size_t i = 0; i < c->lock.entries.count; i++)
		map_set(&used, c->lock.entries.items[i].archive, &c->lock.entries.items[i]);
	for (size_t i = 0; i < c->lock.archives.count; i++) {
		const struct lock_archive *a = &c->lock.archives.items[i];

		if (map_set(&used, a->alias, NULL))
			check_archive(c, a);
		else
			err_list_at(c->errors, E_LOCK_STALE, at_line(c, 1),
				    "nothing in the lock is of archive '%s', or it is there "
				    "twice: " RELOCK,
				    a->alias, c->recipe->name);
	}
	for (size_t i = 0; i < used.count; i++)
		if (used.entries[i].value)
			err_list_at(c->errors, E_LOCK_STALE,
				    at_line(c, ((struct lock_entry *)used.entries[i].value)->line),
				    "the lock has lost the line of archive '%s': " RELOCK,
				    used.entries[i].key, c->recipe->name);
}

/* ---- all of it ---- */

static void check_whole(struct checking *c)
{
	struct err *err = NULL;

	if (debian_read_bases(c->arena, c->project, c->o, &c->base, &err) < 0) {
		err_list_add(c->errors, err);
		return;
	}
	index_entries(c);
	check_words(c);
	check_wants(c);
	follow_wants(c);
	check_archives(c);
}

/* Whether the request is that of the lock; errors are told. */
static bool answers(struct checking *c)
{
	struct pos pos = {.file = c->recipe->file, .line = 1, .col = 1};
	struct digest request;
	struct err *err = NULL;

	if (debian_request(c->arena, c->project, c->o, &request, &err) < 0) {
		if (!err->file) {
			err->file = xstrdup(pos.file);
			err->line = err->col = 1;
		}
		err_list_add(c->errors, err);
		return false;
	}
	if (digest_eq(&request, &c->lock.request))
		return true;
	err_list_at(c->errors, E_LOCK_STALE, pos,
		    "%s does not answer this recipe any more (packages, architecture, archives or "
		    "the node it builds on have changed): " RELOCK,
		    debian_lock_path(c->arena, c->recipe->name), c->recipe->name);
	return false;
}

void lock_check(struct arena *arena, const struct project *p, const struct recipe *r,
		struct err_list *errors)
{
	struct checking c = {
		.arena = arena, .project = p, .recipe = r, .o = r->opts, .errors = errors};
	struct pos pos = {.file = r->file, .line = 1, .col = 1};
	struct err *err = NULL;
	int rc = debian_lock_read(arena, p, r->name, &c.lock, &err);

	if (rc < 0)
		err_list_add(errors, err);
	else if (rc == 1)
		err_list_at(errors, E_NOT_LOCKED, pos, "'%s' is not locked: run 'orch lock %s'",
			    r->name, r->name);
	else if (answers(&c))
		check_whole(&c);
	debian_lock_clear(&c.lock);
	debian_lock_clear(&c.base);
	map_clear(&c.own);
	map_clear(&c.below);
	map_clear(&c.reached);
}
