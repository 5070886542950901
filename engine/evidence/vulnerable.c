/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/vulnerable.h"

#include "base/str.h"
#include "media/deb/deb.h"

/* ---- the Debian security tracker ---- */

/* What it says of one vulnerability in the release of P. */
static void match_tracker(struct vulnerability_list *l, const struct sbom_package *p,
			  const char *id, const json_t *vulnerability, struct vulnerables *ret)
{
	const json_t *releases = json_object_get(vulnerability, "releases");
	const json_t *release = p->distro ? json_object_get(releases, p->distro) : NULL;
	const char *status = json_string_value(json_object_get(release, "status"));
	const char *fixed = json_string_value(json_object_get(release, "fixed_version"));
	struct vulnerable v = {.id = id, .package = p, .status = VULNERABLE_OPEN};

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

/* Debian's releases, as ecosystems of OSV number them (distro-info-data, debian.csv). */
static const char *release_number(const char *codename)
{
	static const struct {
		const char *codename, *number;
	} releases[] = {{"buster", "10"}, {"bullseye", "11"}, {"bookworm", "12"},
			{"trixie", "13"}, {"forky", "14"},    {"duke", "15"}};

	for (size_t i = 0; codename && i < array_len(releases); i++) {
		if (str_eq(releases[i].codename, codename))
			return releases[i].number;
	}
	return NULL;
}

/* "Debian" is about all releases, "Debian:13" about one. */
static bool is_about(const char *ecosystem, const struct sbom_package *p)
{
	const char *rest = ecosystem ? str_skip(ecosystem, "Debian") : NULL;
	const char *number = release_number(p->distro);

	if (!rest || (*rest && *rest != ':'))
		return false;
	return !*rest || (number && str_eq(rest + 1, number));
}

static const char *event(const json_t *e, const char *key)
{
	return json_string_value(json_object_get(e, key));
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
		int side = at ? deb_version_compare(at, version) : 0, beside;

		if (!at || (after ? side <= 0 : side > 0))
			continue;
		beside = best ? deb_version_compare(at, best) : 0;
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
	if (!introduced || (fixed && deb_version_compare(fixed, introduced) > 0))
		return false;
	return !last || str_eq(last, version) || deb_version_compare(last, introduced) < 0;
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

static bool is_affected(const json_t *affected, const char *version, const char **ret_fixed)
{
	json_t *range;
	size_t i;

	json_array_foreach(json_object_get(affected, "ranges"), i, range)
	{
		const char *type = event(range, "type");

		if (type && str_eq(type, "ECOSYSTEM") && in_range(range, version, ret_fixed))
			return true;
	}
	*ret_fixed = NULL;
	return is_listed(json_object_get(affected, "versions"), version);
}

/* The CVE among a record's names, which people look for; else its id. */
static const char *name_of(const json_t *record)
{
	json_t *alias;
	size_t i;
	const char *keys[] = {"upstream", "aliases"}, *id = event(record, "id");

	if (id && str_skip(id, "CVE-"))
		return id;
	for (size_t k = 0; k < array_len(keys); k++) {
		json_array_foreach(json_object_get(record, keys[k]), i, alias)
		{
			const char *text = json_string_value(alias);

			if (text && str_skip(text, "CVE-"))
				return text;
		}
	}
	return id ? id : "(no id)";
}

/* What record R of OSV says of P: AFFECTED is one of its entries, for P's source package. */
struct osv_match {
	const json_t *record, *affected;
};
DEFINE_VEC(osv_matches, struct osv_match)

static void match_osv(const struct osv_match *m, const struct sbom_package *p,
		      struct vulnerables *ret)
{
	const json_t *package = json_object_get(m->affected, "package");
	struct vulnerable v = {.id = name_of(m->record), .package = p};

	if (!is_about(event(package, "ecosystem"), p) ||
	    !is_affected(m->affected, p->source_version, &v.fixed))
		return;
	v.status = v.fixed ? VULNERABLE_FIXED_LATER : VULNERABLE_OPEN;
	vulnerables_push(ret, v);
}

static void release_matches(void *arg)
{
	osv_matches_clear(arg);
}

static void index_record(struct vulnerability_list *l, const json_t *record)
{
	json_t *affected;
	size_t i;

	json_array_foreach(json_object_get(record, "affected"), i, affected)
	{
		const char *name = event(json_object_get(affected, "package"), "name");
		struct osv_matches *all = name ? map_get(&l->by_source, name) : NULL;

		if (!name || event(record, "withdrawn"))
			continue;
		if (!all) {
			all = arena_alloc(l->arena, sizeof(*all));
			arena_defer(l->arena, release_matches, all);
			map_set(&l->by_source, name, all);
		}
		osv_matches_push(all, (struct osv_match){record, affected});
	}
}

static bool is_record(const json_t *o)
{
	return json_is_string(json_object_get(o, "id")) &&
	       json_is_array(json_object_get(o, "affected"));
}

/* Whether L's root is OSV; then it is indexed. */
static bool index_osv(struct vulnerability_list *l)
{
	const json_t *records = json_object_get(l->root, "vulns"), *list = l->root;
	json_t *record;
	size_t i;

	if (is_record(l->root)) {
		index_record(l, l->root);
		return true;
	}
	if (json_is_array(records))
		list = records;
	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, record)
	{
		if (!is_record(record))
			return false;
		index_record(l, record);
	}
	return true;
}

/* ---- either ---- */

/* A source package whose vulnerabilities have releases. */
static bool is_tracker(const json_t *root)
{
	void *source = json_object_iter((json_t *)root);
	void *first = source ? json_object_iter(json_object_iter_value(source)) : NULL;

	return first && json_is_object(json_object_get(json_object_iter_value(first), "releases"));
}

int vulnerability_list_read(struct arena *arena, const char *path, struct vulnerability_list *ret,
			    struct err **err)
{
	json_error_t where;

	*ret = (struct vulnerability_list){.arena = arena};
	ret->root = json_load_file(path, 0, &where);
	if (!ret->root)
		return err_set(err, E_BAD_VULNERABILITIES, "'%s': line %d: %s", path, where.line,
			       where.text);
	ret->tracker = is_tracker(ret->root);
	if (ret->tracker || index_osv(ret))
		return 0;
	return err_set(
		err, E_BAD_VULNERABILITIES,
		"'%s' is not a list of vulnerabilities: neither OSV nor the JSON of Debian's "
		"security tracker",
		path);
}

void vulnerability_list_release(struct vulnerability_list *l)
{
	json_decref(l->root);
	map_clear(&l->by_source);
	*l = (struct vulnerability_list){0};
}

static void match_source_osv(struct vulnerability_list *l, const struct sbom_package *p,
			     struct vulnerables *ret)
{
	const struct osv_matches *all = map_get(&l->by_source, p->source);

	for (size_t i = 0; all && i < all->count; i++)
		match_osv(&all->items[i], p, ret);
}

void vulnerability_list_match(struct vulnerability_list *l, const struct sbom_package *p,
			      struct vulnerables *ret)
{
	json_t *vulnerability;
	const char *id;

	if (!l->tracker) {
		match_source_osv(l, p, ret);
		return;
	}
	json_object_foreach(json_object_get(l->root, p->source), id, vulnerability)
		match_tracker(l, p, id, vulnerability, ret);
}
