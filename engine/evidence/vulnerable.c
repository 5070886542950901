/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/vulnerable.h"

#include <ctype.h>

#include "base/file.h"
#include "base/json_scan.h"
#include "base/str.h"
#include "media/deb/deb.h"

#define FILE_MAX (UINT64_C(4) << 30)

/* A part of the list: what it says of a source package, or a record. Parsed when asked for. */
struct vulnerability_part {
	struct json_slice text;
	json_t *json; /* or NULL: not parsed yet */
};
DEFINE_VEC(parts, struct vulnerability_part *)

static int parse(const struct vulnerability_list *l, struct vulnerability_part *part,
		 struct err **err)
{
	json_error_t where;

	if (!part->json)
		part->json = json_loadb(part->text.at, part->text.len, 0, &where);
	if (!part->json)
		return err_set(err, E_BAD_VULNERABILITIES, "'%s': %s", l->path, where.text);
	return 0;
}

static void release_parts(void *arg)
{
	parts_clear(arg);
}

static void release_part(void *arg)
{
	struct vulnerability_part *part = arg;

	json_decref(part->json);
}

static struct vulnerability_part *new_part(struct vulnerability_list *l, struct json_slice text)
{
	struct vulnerability_part *part = arena_alloc(l->arena, sizeof(*part));

	part->text = text;
	arena_defer(l->arena, release_part, part);
	return part;
}

static void add_part(struct vulnerability_list *l, const char *source,
		     struct vulnerability_part *part)
{
	struct parts *all = map_get(&l->by_source, source);

	if (!all) {
		all = arena_alloc(l->arena, sizeof(*all));
		arena_defer(l->arena, release_parts, all);
		map_set(&l->by_source, source, all);
	}
	if (!all->count || all->items[all->count - 1] != part)
		parts_push(all, part);
}

/* ---- the Debian security tracker ---- */

/* What it says of one vulnerability in the release of P. */
static void match_tracker(const struct sbom_package *p, const char *id, const json_t *vulnerability,
			  struct vulnerables *ret)
{
	const json_t *releases = json_object_get(vulnerability, "releases");
	const json_t *release = p->distro ? json_object_get(releases, p->distro) : NULL;
	const char *status = json_string_value(json_object_get(release, "status"));
	const char *fixed = json_string_value(json_object_get(release, "fixed_version"));
	struct vulnerable v = {.id = id, .names = id, .package = p, .status = VULNERABLE_OPEN};

	if (!status)
		return;
	if (str_eq(status, "resolved")) {
		/* "0": this release never had it */
		if (!fixed || str_eq(fixed, "0") ||
		    deb_version_compare(p->source_version, fixed) >= 0)
			return;
		v.status = VULNERABLE_FIXED_LATER;
		v.fixed = fixed;
	} else if (str_eq(status, "undetermined")) {
		v.status = VULNERABLE_UNDETERMINED;
	}
	vulnerables_push(ret, v);
}

/* ---- OSV ---- */

/* Whether P is Debian's, as far as is known, or of a distribution made from a release of it. */
static bool is_debian(const struct sbom_package *p)
{
	return !p->vendor || str_eq(p->vendor, "debian") || debian_release_number(p->distro);
}

/* "Debian" is about all releases, "Debian:13" about one. */
static bool is_about(const char *ecosystem, const struct sbom_package *p)
{
	const char *rest = ecosystem ? str_skip(ecosystem, "Debian") : NULL;
	const char *number = debian_release_number(p->distro);

	if (!rest || (*rest && *rest != ':'))
		return false;
	return *rest ? number && str_eq(rest + 1, number) : is_debian(p);
}

static const char *event(const json_t *e, const char *key)
{
	return json_string_value(json_object_get(e, key));
}

/* As dpkg does, but "0" is where a range begins: before all, "0~git1" too. */
static int compare_versions(const char *a, const char *b)
{
	bool first = str_eq(a, "0"), second = str_eq(b, "0");

	return first || second ? second - first : deb_version_compare(a, b);
}

/* The nearest version to VERSION that events of RANGE have under KEY: at most it, or after it. */
static const char *nearest(const json_t *range, const char *key, const char *version, bool after)
{
	const char *best = NULL;
	json_t *e;
	size_t i;

	json_array_foreach(json_object_get(range, "events"), i, e)
	{
		const char *at = event(e, key);
		int side = at ? compare_versions(at, version) : 0, beside;

		if (!at || (after ? side <= 0 : side > 0))
			continue;
		beside = best ? compare_versions(at, best) : 0;
		if (!best || (after ? beside < 0 : beside > 0))
			best = at;
	}
	return best;
}

/*
 * Whether VERSION is in a range, in whatever order its events are: introduced before it ("0" is
 * before all), and neither fixed nor out of it again since. *RET_FIXED is the first fix after it.
 */
static bool in_range(const json_t *range, const char *version, const char **ret_fixed)
{
	const char *introduced = nearest(range, "introduced", version, false);
	const char *fixed = nearest(range, "fixed", version, false);
	const char *last = nearest(range, "last_affected", version, false);

	*ret_fixed = nearest(range, "fixed", version, true);
	if (!introduced || (fixed && compare_versions(fixed, introduced) > 0))
		return false;
	return !last || compare_versions(last, version) == 0 ||
	       compare_versions(last, introduced) < 0;
}

static bool is_listed(const json_t *versions, const char *version)
{
	json_t *v;
	size_t i;

	json_array_foreach(versions, i, v)
	{
		if (json_is_string(v) && str_eq(json_string_value(v), version))
			return true;
	}
	return false;
}

enum answer { NO, YES, NOT_KNOWN };

/*
 * Commits (GIT) may be there beside what tells the same in Debian's versions, and then that counts.
 * Versions of another order than dpkg's (SEMVER) cannot be compared with any of Debian's.
 */
static enum answer is_affected(const json_t *affected, const char *version, const char **ret_fixed)
{
	const json_t *versions = json_object_get(affected, "versions");
	bool comparable = json_array_size(versions) > 0, commits = false, others = false;
	json_t *range;
	size_t i;

	json_array_foreach(json_object_get(affected, "ranges"), i, range)
	{
		const char *type = event(range, "type");
		bool ours = type && str_eq(type, "ECOSYSTEM");

		if (ours && in_range(range, version, ret_fixed))
			return YES;
		comparable |= ours;
		commits |= type && str_eq(type, "GIT");
		others |= !ours && !(type && str_eq(type, "GIT"));
	}
	*ret_fixed = NULL;
	if (is_listed(versions, version))
		return YES;
	return others || (commits && !comparable) ? NOT_KNOWN : NO;
}

static bool has(const struct strs *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++) {
		if (str_eq(list->items[i], text))
			return true;
	}
	return false;
}

/* The CVEs among a record's names, which people look for, each once; else its id. */
static void ids_of(const json_t *record, struct strs *ret)
{
	json_t *alias;
	size_t i;
	const char *keys[] = {"upstream", "aliases"}, *id = event(record, "id");

	for (size_t k = 0; k < array_len(keys) && !(id && str_skip(id, "CVE-")); k++) {
		json_array_foreach(json_object_get(record, keys[k]), i, alias)
		{
			const char *text = json_string_value(alias);

			if (text && str_skip(text, "CVE-") && !has(ret, text))
				strs_push(ret, text);
		}
	}
	if (!ret->count)
		strs_push(ret, id ? id : "(no id)");
}

/* An advisory with the CVEs that it is about, IDS; else its id. */
static const char *names_of(struct arena *arena, const json_t *record, const struct strs *ids)
{
	const char *own = event(record, "id");
	struct str s cleanup_str = STR_INIT;

	if (!own || str_eq(own, ids->items[0]))
		return ids->items[0];
	for (size_t i = 0; i < ids->count; i++)
		str_printf(&s, "%s%s", s.len ? ", " : "", ids->items[i]);
	return arena_printf(arena, "%s (%s)", own, s.buf);
}

/* V for each vulnerability that RECORD is about. */
static void push_record(struct arena *arena, const json_t *record, struct vulnerable v,
			struct vulnerables *ret)
{
	struct strs ids = {0};

	ids_of(record, &ids);
	v.names = names_of(arena, record, &ids);
	for (size_t i = 0; i < ids.count; i++) {
		v.id = ids.items[i];
		vulnerables_push(ret, v);
	}
	strs_clear(&ids);
}

/* What RECORD says of P with AFFECTED, one of its entries. */
static enum answer match_osv(struct arena *arena, const json_t *record, const json_t *affected,
			     const struct sbom_package *p, struct vulnerables *ret)
{
	const json_t *package = json_object_get(affected, "package");
	const char *name = event(package, "name");
	struct vulnerable v = {.package = p};
	enum answer answer;

	if (!name || !str_eq(name, p->source) || !is_about(event(package, "ecosystem"), p))
		return NO;
	answer = is_affected(affected, p->source_version, &v.fixed);
	v.status = v.fixed ? VULNERABLE_FIXED_LATER : VULNERABLE_OPEN;
	if (answer == YES)
		push_record(arena, record, v, ret);
	return answer;
}

/* ---- reading ---- */

/* "name" of "package" of an entry of "affected"; NULL: it has none. */
static const char *affected_name(struct vulnerability_list *l, struct json_scan *s)
{
	struct json_slice key, name = {0};

	if (!json_enter(s, '{'))
		return NULL;
	while (json_key(s, &key)) {
		if (!json_is(key, "package") || !json_enter(s, '{')) {
			if (!json_is(key, "package"))
				json_skip(s);
			continue;
		}
		while (json_key(s, &key)) {
			if (json_is(key, "name"))
				json_text_of(s, &name);
			else
				json_skip(s);
		}
	}
	return json_decoded(l->arena, name);
}

static bool read_affected(struct vulnerability_list *l, struct json_scan *s, struct strs *names)
{
	if (!json_enter(s, '['))
		return false;
	while (json_item(s)) {
		const char *name = affected_name(l, s);

		if (name)
			strs_push(names, name);
	}
	return true;
}

/* One value of S; whether it is a record. Those that were withdrawn are not kept. */
static bool index_record(struct vulnerability_list *l, struct json_scan *s)
{
	struct json_slice key, text;
	struct strs names = {0};
	bool has_id = false, has_affected = false, withdrawn = false;
	const char *from;

	json_next(s);
	from = s->at;
	if (!json_enter(s, '{'))
		return false;
	while (json_key(s, &key)) {
		if (json_is(key, "id"))
			has_id = json_text_of(s, &text);
		else if (json_is(key, "withdrawn"))
			withdrawn = json_text_of(s, &text);
		else if (json_is(key, "affected"))
			has_affected = read_affected(l, s, &names);
		else
			json_skip(s);
	}
	if (has_id && has_affected && !withdrawn) {
		struct vulnerability_part *part =
			new_part(l, (struct json_slice){from, (size_t)(s->at - from)});

		for (size_t i = 0; i < names.count; i++)
			add_part(l, names.items[i], part);
	}
	strs_clear(&names);
	l->records += has_id && has_affected;
	return has_id && has_affected;
}

static bool index_records(struct vulnerability_list *l, struct json_scan *s)
{
	bool all = json_enter(s, '[');

	while (all && json_item(s))
		all = index_record(l, s);
	return all;
}

/* Whether the value of S is OSV; then it is indexed. */
static bool index_osv(struct vulnerability_list *l, struct json_scan *s)
{
	struct json_scan again = *s;
	struct json_slice key;
	bool found = false;

	if (json_next(s) == '[')
		return index_records(l, s);
	if (index_record(l, s))
		return true;
	*s = again;
	if (!json_enter(s, '{'))
		return false;
	while (json_key(s, &key)) {
		if (json_is(key, "vulns"))
			found = index_records(l, s);
		else
			json_skip(s);
	}
	return found;
}

/* Whether the first source package of the value of S has vulnerabilities that have releases. */
static bool is_tracker(struct json_scan s)
{
	struct json_slice key;

	for (int depth = 0; depth < 3; depth++) {
		if (!json_enter(&s, '{') || (depth < 2 && !json_key(&s, &key)))
			return false;
	}
	while (json_key(&s, &key)) {
		if (json_is(key, "releases"))
			return json_next(&s) == '{';
		json_skip(&s);
	}
	return false;
}

static void index_tracker(struct vulnerability_list *l, struct json_scan *s)
{
	struct json_slice key;

	if (!json_enter(s, '{'))
		return;
	while (json_key(s, &key)) {
		const char *source = json_decoded(l->arena, key);
		struct vulnerability_part *part = new_part(l, json_value(s));

		if (source && !s->bad)
			add_part(l, source, part);
	}
}

/* Whether it is one of the lists. */
static bool index_list(struct vulnerability_list *l, struct json_scan *s)
{
	l->tracker = is_tracker(*s);
	if (!l->tracker)
		return index_osv(l, s);
	index_tracker(l, s);
	return true;
}

int vulnerability_list_parse(struct arena *arena, const char *path, const char *json, size_t len,
			     struct vulnerability_list *ret, struct err **err)
{
	struct json_scan s = json_scan(json, len);
	bool known;

	ret->arena = arena;
	ret->path = arena_strdup(arena, path);
	known = index_list(ret, &s);
	if (s.bad || (known && !json_end(&s)))
		return err_set(err, E_BAD_VULNERABILITIES, "'%s': line %u: is not JSON", path,
			       json_line(&s));
	if (!known)
		return err_set(err, E_BAD_VULNERABILITIES,
			       "'%s' is not a list of vulnerabilities: neither OSV nor the JSON of "
			       "Debian's security tracker",
			       path);
	if (!ret->tracker && !ret->records)
		return err_set(err, E_BAD_VULNERABILITIES,
			       "'%s' is a list without any vulnerability, by which nothing could "
			       "be found: fetch it again",
			       path);
	return 0;
}

int vulnerability_list_read(struct arena *arena, const char *path, struct vulnerability_list *ret,
			    struct err **err)
{
	*ret = (struct vulnerability_list){.text = STR_INIT};
	if (file_read(path, FILE_MAX, &ret->text, err) < 0)
		return -1;
	return vulnerability_list_parse(arena, path, ret->text.buf, ret->text.len, ret, err);
}

void vulnerability_list_release(struct vulnerability_list *l)
{
	if (l->text.cap)
		str_release(&l->text);
	map_clear(&l->by_source);
	*l = (struct vulnerability_list){0};
}

/* ---- asking ---- */

static void match_record(struct arena *arena, const json_t *record, const struct sbom_package *p,
			 struct vulnerables *ret)
{
	struct vulnerable unknown = {.package = p, .status = VULNERABLE_NOT_COMPARED};
	bool found = false, not_known = false;
	json_t *affected;
	size_t i;

	json_array_foreach(json_object_get(record, "affected"), i, affected)
	{
		enum answer answer = match_osv(arena, record, affected, p, ret);

		found |= answer == YES;
		not_known |= answer == NOT_KNOWN;
	}
	if (not_known && !found)
		push_record(arena, record, unknown, ret);
}

static void match_source(const json_t *vulnerabilities, const struct sbom_package *p,
			 struct vulnerables *ret)
{
	json_t *vulnerability;
	const char *id;

	json_object_foreach((json_t *)vulnerabilities, id, vulnerability)
		match_tracker(p, id, vulnerability, ret);
}

int vulnerability_list_match(const struct vulnerability_list *l, const struct sbom_package *p,
			     struct vulnerables *ret, struct err **err)
{
	const struct parts *all = map_get(&l->by_source, p->source);

	for (size_t i = 0; all && i < all->count; i++) {
		if (parse(l, all->items[i], err) < 0)
			return -1;
		if (l->tracker)
			match_source(all->items[i]->json, p, ret);
		else
			match_record(l->arena, all->items[i]->json, p, ret);
	}
	return 0;
}

/* "debian", "debian-unstable" and a number that is no release's name none that lists have. */
static bool has_release(const struct sbom_package *p)
{
	if (p->vendor && !str_eq(p->vendor, "debian"))
		return true;
	return p->distro && *p->distro && !isdigit((unsigned char)*p->distro) &&
	       !str_eq(p->distro, "debian") && !str_skip(p->distro, "debian-");
}

/* Whether RECORD has an entry for one release of Debian about SOURCE. */
static bool is_about_release(const json_t *record, const char *source)
{
	json_t *affected;
	size_t i;

	json_array_foreach(json_object_get(record, "affected"), i, affected)
	{
		const json_t *package = json_object_get(affected, "package");
		const char *name = event(package, "name"), *of = event(package, "ecosystem");

		if (name && of && str_eq(name, source) && str_skip(of, "Debian:"))
			return true;
	}
	return false;
}

bool vulnerability_list_unsettled(const struct vulnerability_list *l, const struct sbom_package *p)
{
	const struct parts *all = has_release(p) ? NULL : map_get(&l->by_source, p->source);

	for (size_t i = 0; all && i < all->count; i++) {
		if (l->tracker || is_about_release(all->items[i]->json, p->source))
			return true;
	}
	return false;
}
