/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which pins the archives still have. An index lists current versions only; the pool under it has
 * older ones for a while, and what is there can be built: such pins stay, too.
 */
#include <string.h>

#include "base/file.h"
#include "base/http.h"
#include "base/path.h"
#include "kinds/debian/relock_priv.h"
#include "kinds/debian/mirrors.h"
#include "kinds/package_pool.h"
#include "media/deb/deb.h"

bool relock_updates(const struct relock *l, const char *name)
{
	return l->opts->update && !l->opts->from &&
	       (!l->opts->package || str_eq(l->opts->package, name));
}

struct old_pin *relock_pin(const struct relock *l, const char *name)
{
	for (size_t i = 0; i < l->pins.count; i++)
		if (str_eq(l->pins.items[i].entry->name, name))
			return &l->pins.items[i];
	return NULL;
}

/* ---- index and pool ---- */

const struct deb_package *relock_record(const struct relock *l, const struct digest *sha256)
{
	for (size_t i = 0; i < l->records.count; i++)
		if (digest_eq(&l->records.items[i].sha256, sha256))
			return &l->records.items[i].package;
	return NULL;
}

int relock_describe(const struct relock *l, struct lock_entry *e, struct err **err)
{
	const struct deb_package *p = relock_record(l, &e->sha256);

	if (!p)
		return err_set(err, E_APT_OUTPUT, "apt has no record of package '%s' %s", e->name,
			       e->version);
	e->source = p->source;
	e->source_version = p->source_version;
	e->installed = p->installed_kib;
	if (!e->needs)
		e->needs = "";
	return 0;
}

const struct archive *relock_archive(const struct apt_request *q, const char *alias)
{
	for (size_t i = 0; i < q->archives.count; i++)
		if (str_eq(LIST_AT(q->archives, const struct archive *, i)->alias, alias))
			return LIST_AT(q->archives, const struct archive *, i);
	return NULL;
}

static const char *pool_dir(const struct apt_request *q)
{
	return arena_printf(q->arena, "%s/pool", q->dir);
}

static const char *pool_name(struct arena *arena, const struct lock_entry *e)
{
	char hex[DIGEST_HEX + 1];

	return arena_printf(arena, "%s.deb", digest_hex(&e->sha256, hex));
}

/* What no index says any more is in the .deb itself. */
static int add_record(struct relock *l, const struct lock_entry *e, const char *path,
		      struct err **err)
{
	struct deb_set set cleanup_deb_set = {0};
	struct apt_record r = {.sha256 = e->sha256};

	if (e->type == LOCK_SOURCE)
		return 0;
	if (deb_open(&set, path, e->name, err) < 0)
		return -1;
	if (deb_package_parse(l->arena, set.items[0]->control, &r.package) != 0)
		return err_set(err, E_PACKAGE_MISMATCH, "package '%s' lacks name or version",
			       e->name);
	apt_records_push(&l->records, r);
	return 0;
}

/* 0: a pool of the user's or the project's has it, whatever archives have. */
static int take_pooled(struct relock *l, struct apt_request *q, const struct lock_entry *e,
		       const char *dest, struct err **err)
{
	const char *damaged;
	struct pools pools;
	int rc;

	pools_find(l->arena, &q->mirrors->config, project_pool_dir(l->arena, l->project),
		   e->archive, &pools);
	if (!pools.dir_count)
		return 1;
	rc = pools_copy(l->arena, &pools, &e->sha256, e->size, dest, &damaged, err);
	return rc == 0 ? add_record(l, e, dest, err) : rc;
}

/* 0: its bytes lie in the directory for apt; 1: they are not to be had. */
static int fetch(struct relock *l, struct apt_request *q, const struct lock_entry *e,
		 const char **ret_why, struct err **err)
{
	const char *dir = pool_dir(q), *file = pool_name(l->arena, e);
	char *dest cleanup_free = path_join(dir, file);
	struct http_item item = {
		.dest = dest,
		.size = e->size,
		.sha256 = &e->sha256,
		.name = arena_printf(l->arena, "package '%s' %s", e->name, e->version)};
	const struct archive *archive = relock_archive(q, e->archive);
	struct http_opts opts = {0};
	struct lock_archive place;
	int r;

	if (!archive) {
		*ret_why = arena_printf(l->arena, "archive '%s' is not among the node's archives",
					e->archive);
		return 1;
	}
	if (path_mkdirs(dir, err) < 0)
		return -1;
	r = take_pooled(l, q, e, dest, err);
	if (r <= 0)
		return r;
	if (l->opts->offline)
		return err_set(
			err, E_NOT_CACHED,
			"whether archive '%s' still has '%s' %s cannot be seen with --offline",
			e->archive, e->name, e->version);
	place = debian_archive_of(archive);
	if (mirrors_sources(q->mirrors, &place, e, dir, &item, err) < 0)
		return -1;
	user_config_limit(&q->mirrors->config, &opts);
	if (http_fetch(&item, 1, &opts, err) == 0)
		return add_record(l, e, dest, err);
	if (item.gone)
		*ret_why = arena_printf(l->arena, "archive '%s' no longer has %s", e->archive,
					e->version);
	else if ((*err)->code->cls == ERR_INTEGRITY)
		*ret_why = arena_printf(l->arena, "archive '%s' has other bytes as %s", e->archive,
					e->version);
	else
		return -1;
	err_free(steal_ptr(*err));
	return 1;
}

int relock_still_there(struct relock *l, struct apt_request *q, const struct lock_entry *e,
		       const char **ret_why, struct err **err)
{
	if (e->type != LOCK_SOURCE && relock_record(l, &e->sha256))
		return 0;
	return fetch(l, q, e, ret_why, err);
}

/* ---- the pins ---- */

static int is_in_suite(struct apt_request *q, const struct lock_entry *e, const char *suite,
		       bool *ret, struct err **err)
{
	struct strv names cleanup_strv = {0};
	struct apt_places places = {0};

	strv_push(&names, e->name);
	if (apt_places(q, &names, &places, err) < 0)
		return -1;
	*ret = false;
	for (size_t i = 0; i < places.count; i++)
		*ret |= str_eq(places.items[i].version, e->version) &&
			str_eq(places.items[i].suite, suite);
	apt_places_clear(&places);
	return 0;
}

void relock_leave_base(const struct relock *l, struct old_pin *p, const char *why)
{
	bool own = p->own && relock_record(l, &p->own->sha256);

	p->base = false;
	p->left = true;
	p->kept = own;
	if (own)
		p->entry = p->own;
	else
		p->why = why;
}

/* What a tree has stays as it is, but for what the recipe asks for with a version or suite. */
static int leave_base(struct relock *l, struct apt_request *q, const char *text, struct err **err)
{
	struct package_word w;
	struct old_pin *p;
	bool there = false;

	if (package_word_parse(l->arena, text, &w) != 0 || !(p = relock_pin(l, w.name)) || !p->base)
		return 0;
	if (w.version && !str_eq(w.version, p->entry->version))
		relock_leave_base(l, p, "the recipe asks for this version");
	if (!w.suite)
		return 0;
	if (!(p->own && digest_eq(&l->old.request, &l->now.request)) &&
	    is_in_suite(q, p->entry, w.suite, &there, err) < 0)
		return -1;
	if (!there)
		relock_leave_base(l, p,
				  arena_printf(l->arena, "the recipe takes it from '%s'", w.suite));
	return 0;
}

/* Whether the newest version of P that the archives have is newer than what is below. */
static int is_outdated(struct apt_request *q, const struct old_pin *p, bool *ret, struct err **err)
{
	struct strv names cleanup_strv = {0};
	struct apt_places places = {0};

	strv_push(&names, p->entry->name);
	if (apt_places(q, &names, &places, err) < 0)
		return -1;
	*ret = false;
	for (size_t i = 0; i < places.count; i++)
		*ret |= deb_version_compare(places.items[i].version, p->entry->version) > 0;
	apt_places_clear(&places);
	return 0;
}

/* Whether NAMES (commas) has NAME. */
static bool is_among(const char *names, const char *name)
{
	while (*names) {
		size_t n = strcspn(names, ",");

		if (n == strlen(name) && strncmp(names, name, n) == 0)
			return true;
		names += n + (names[n] == ',');
	}
	return false;
}

static bool was_updated(const struct relock *l, const char *name)
{
	for (size_t i = 0; i < l->old.wants.count; i++)
		if (str_eq(l->old.wants.items[i].what, LOCK_UPDATED) &&
		    is_among(l->old.wants.items[i].names, name))
			return true;
	return false;
}

/* What --update takes here stays until the node below has it, or a newer one. */
static int leave_if_updated(struct relock *l, struct apt_request *q, struct old_pin *p,
			    struct err **err)
{
	const char *name = p->entry->name;
	bool was = was_updated(l, name), newer = false;

	if (was && p->own)
		newer = deb_version_compare(p->own->version, p->entry->version) > 0;
	else if (relock_updates(l, name) && (was || l->opts->package) &&
		 is_outdated(q, p, &newer, err) < 0)
		return -1;
	if (!newer)
		return 0;
	p->updated = true;
	relock_leave_base(l, p, NULL);
	return 0;
}

static int leave_bases(struct relock *l, struct apt_request *q, struct err **err)
{
	for (size_t i = 0; i < l->pins.count; i++)
		if (l->pins.items[i].base && leave_if_updated(l, q, &l->pins.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < l->o->packages.count; i++)
		if (leave_base(l, q, LIST_AT(l->o->packages, const char *, i), err) < 0)
			return -1;
	return 0;
}

/* A recipe that asks for a version or suite asks for another pin, unless it has not changed. */
static int check_word(struct relock *l, struct apt_request *q, const char *text, struct err **err)
{
	struct package_word w;
	struct old_pin *p;
	bool there;

	if (package_word_parse(l->arena, text, &w) != 0 || !(p = relock_pin(l, w.name)))
		return 0;
	if (w.version && !str_eq(w.version, p->entry->version)) {
		p->kept = false;
		p->why = "the recipe asks for this version";
	}
	if (!w.suite || !p->kept || digest_eq(&l->old.request, &l->now.request))
		return 0;
	if (is_in_suite(q, p->entry, w.suite, &there, err) < 0)
		return -1;
	if (!there) {
		p->kept = false;
		p->why = arena_printf(l->arena, "the recipe takes it from '%s'", w.suite);
	}
	return 0;
}

static int check_words(struct relock *l, struct apt_request *q, struct err **err)
{
	for (size_t i = 0; i < l->o->packages.count; i++) {
		const char *text = LIST_AT(l->o->packages, const char *, i);

		if (check_word(l, q, text, err) < 0)
			return -1;
	}
	return 0;
}

static void gather(struct relock *l)
{
	for (size_t i = 0; i < l->base.entries.count; i++)
		old_pins_push(&l->pins, (struct old_pin){.entry = &l->base.entries.items[i],
							 .base = true,
							 .kept = true});
	for (size_t i = 0; i < l->old.entries.count; i++) {
		const struct lock_entry *e = &l->old.entries.items[i];
		struct old_pin *below = relock_pin(l, e->name);

		if (e->type != LOCK_PACKAGE)
			continue;
		if (!below)
			old_pins_push(
				&l->pins,
				(struct old_pin){.entry = e, .kept = !relock_updates(l, e->name)});
		else if (!relock_updates(l, e->name))
			below->own = e;
	}
}

static int lost_base(const struct relock *l, const struct old_pin *p, struct err **err)
{
	return err_set(err, E_BASE_PINS,
		       "'%s' is pinned to %s %s, but %s: run 'orch lock %.*s' first",
		       l->o->from->text, p->entry->name, p->entry->version, p->why,
		       (int)strcspn(l->o->from->text, ":"), l->o->from->text);
}

/* Whether a word of the recipe says which version or suite NAME is taken from. */
static bool is_chosen(const struct relock *l, const char *name)
{
	for (size_t i = 0; i < l->o->packages.count; i++) {
		struct package_word w;

		if (package_word_parse(l->arena, LIST_AT(l->o->packages, const char *, i), &w) ==
			    0 &&
		    str_eq(w.name, name) && (w.version || w.suite))
			return true;
	}
	return false;
}

/* What --from moves goes to the very version that its archive has. */
static int find_targets(struct relock *l, struct apt_request *q, struct err **err)
{
	if (relock_offers(l, q, "Packages", &l->offered, err) < 0 ||
	    relock_offers(l, q, "Sources", &l->offered_sources, err) < 0)
		return -1;
	for (size_t i = 0; i < l->pins.count; i++) {
		struct old_pin *p = &l->pins.items[i];
		const char *name = p->entry->name;

		if (p->base || !p->kept || is_chosen(l, name))
			continue;
		p->target = relock_offered(l, &l->offered, name, p->entry->version);
		if (p->target)
			p->kept = false;
	}
	return 0;
}

/* Those that no index has are fetched: what they depend on is in their own control data alone. */
static int ask_pools(struct relock *l, struct apt_request *q, struct strv *files, struct err **err)
{
	bool said = false;

	for (size_t i = 0; i < l->pins.count; i++) {
		struct old_pin *p = &l->pins.items[i];
		int r;

		if (!p->kept || relock_record(l, &p->entry->sha256))
			continue;
		if (!said)
			relock_say(l,
				   "looking in the pools for pins that are in no index any more");
		said = true;
		r = relock_still_there(l, q, p->entry, &p->why, err);
		if (r < 0 || (r == 1 && !p->base && relock_gone(l, p->entry, p->why, err) < 0))
			return -1;
		p->kept = r == 0;
		if (r == 0)
			strv_push(files, pool_name(l->arena, p->entry));
		else if (p->base)
			return lost_base(l, p, err);
	}
	return 0;
}

int relock_find_pins(struct relock *l, struct apt_request *q, struct err **err)
{
	struct strv names cleanup_strv = {0}, files cleanup_strv = {0};

	gather(l);
	for (size_t i = 0; i < l->pins.count; i++)
		strv_push(&names, l->pins.items[i].entry->name);
	for (size_t i = 0; i < l->old.entries.count; i++)
		if (l->old.entries.items[i].type == LOCK_TOOL)
			strv_push(&names, l->old.entries.items[i].name);
	if (apt_records(q, &names, &l->records, err) < 0 || leave_bases(l, q, err) < 0 ||
	    find_targets(l, q, err) < 0 || ask_pools(l, q, &files, err) < 0)
		return -1;
	if (files.count && apt_add_pool(q, pool_dir(q), &files, err) < 0)
		return -1;
	return check_words(l, q, err);
}

const char *relock_own_names(const struct relock *l, const char *names)
{
	struct str own cleanup_str = STR_INIT;

	while (*names) {
		size_t n = strcspn(names, ",");
		const char *name = arena_strndup(l->arena, names, n);
		const struct old_pin *p = relock_pin(l, name);

		if (!p || !p->base)
			str_printf(&own, "%s%s", own.len ? "," : "", name);
		names += n + (names[n] == ',');
	}
	return arena_strdup(l->arena, own.buf);
}
