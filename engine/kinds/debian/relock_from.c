/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `--update --from`: what one archive, or one suite of archives, has newer than the pins. */
#include "kinds/debian/relock_priv.h"
#include "media/deb/deb.h"

struct offering {
	const struct relock *l;
	const struct apt_request *q;
	struct map *found;
};

static const char *url_of(const struct apt_request *q, const char *alias)
{
	for (size_t i = 0; i < q->archives.count; i++)
		if (str_eq(LIST_AT(q->archives, const struct archive *, i)->alias, alias))
			return q->urls[i];
	return "";
}

static bool has_suite(const struct archive *a, const char *suite)
{
	for (size_t i = 0; a && i < a->suites.count; i++)
		if (str_eq(LIST_AT(a->suites, const char *, i), suite))
			return true;
	return false;
}

/* Of archives at one place apt tells only the first: the suite tells which it is. */
static bool is_meant(const struct offering *o, const struct apt_index *index)
{
	const char *from = o->l->opts->from;

	return str_eq(index->suite, from) ||
	       (has_suite(relock_archive(o->q, from), index->suite) &&
		str_eq(url_of(o->q, from), url_of(o->q, index->archive)));
}

static int note(void *arg, const struct apt_index *index, const char *stanza, struct err **err)
{
	const struct offering *o = arg;
	const char *known;
	char *name cleanup_free = NULL, *version cleanup_free = NULL;

	(void)err;
	if (!is_meant(o, index))
		return 0;
	name = deb_field(stanza, "Package");
	version = deb_field(stanza, "Version");
	if (!name || !version)
		return 0;
	known = map_get(o->found, name);
	if (!known || deb_version_compare(version, known) > 0)
		map_set(o->found, arena_strdup(o->l->arena, name),
			arena_strdup(o->l->arena, version));
	return 0;
}

int relock_offers(const struct relock *l, struct apt_request *q, const char *what, struct map *ret,
		  struct err **err)
{
	struct offering o = {l, q, ret};

	return l->opts->from ? apt_index(q, what, note, &o, err) : 0;
}

const char *relock_offered(const struct relock *l, const struct map *offers, const char *name,
			   const char *version)
{
	const char *offered = map_get(offers, name);

	if (!offered || deb_version_compare(offered, version) <= 0 ||
	    (l->opts->package && !str_eq(l->opts->package, name)))
		return NULL;
	return offered;
}

int relock_gone(const struct relock *l, const struct lock_entry *e, const char *why,
		struct err **err)
{
	if (!l->opts->from)
		return 0;
	return err_set(err, E_PIN_GONE,
		       "'%s' is pinned to %s, but %s, and --from moves nothing but what '%s' has: "
		       "run 'orch lock %s' first, which moves what is gone, or bring back a pool "
		       "that has it ('pool: DIR' in recipes/project.yaml)",
		       e->name, e->version, why, l->opts->from, l->recipe->name);
}
