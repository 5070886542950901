/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of source packages, out of the archives' indexes of sources. */
#include "base/path.h"
#include "kinds/debian/apt.h"
#include "media/deb/deb.h"

struct looking {
	struct apt_request *q;
	struct apt_sources *wanted;
	struct map by_name; /* -> the first of WANTED with that name */
	struct lock_entries *found;
};

static struct apt_source_wish *find_wish(const struct looking *l, const char *name,
					 const char *version)
{
	struct apt_source_wish *w = map_get(&l->by_name, name);

	for (; w && w < l->wanted->items + l->wanted->count; w++)
		if (str_eq(w->name, name) && str_eq(w->version, version))
			return w;
	return NULL;
}

/* "DIGEST SIZE FILE" of each; SUMS is cut up. 1: it is malformed. */
static int take_files(const struct looking *l, const struct apt_source_wish *w, const char *archive,
		      const char *dir, char *sums)
{
	char *save = NULL;

	for (char *hex; (hex = strtok_r(save ? NULL : sums, " \t", &save));) {
		char *size = strtok_r(NULL, " \t", &save), *file = strtok_r(NULL, " \t", &save);
		char *path cleanup_free = NULL, *normal cleanup_free = NULL;
		struct lock_entry e = {.type = LOCK_SOURCE,
				       .archive = archive,
				       .name = w->name,
				       .version = w->version,
				       .arch = "source"};
		const char *why;

		if (!file || strchr(file, '/') || digest_parse(hex, &e.sha256) != 0 ||
		    str_u64(size, &e.size) != 0)
			return 1;
		path = path_join(dir, file);
		normal = path_normal(path);
		if (!path_is_project(normal, &why))
			return 1;
		e.path = arena_strdup(l->q->arena, normal);
		lock_entries_push(l->found, e);
	}
	return 0;
}

static int take_stanza(void *arg, const struct apt_index *from, const char *stanza,
		       struct err **err)
{
	const struct looking *l = arg;
	char *name cleanup_free = deb_field(stanza, "Package"), *version cleanup_free = NULL;
	char *dir cleanup_free = NULL, *sums cleanup_free = NULL;
	struct apt_source_wish *w;

	if (!name || !map_get(&l->by_name, name))
		return 0;
	version = deb_field(stanza, "Version");
	w = version ? find_wish(l, name, version) : NULL;
	if (!w || w->found)
		return 0;
	dir = deb_field(stanza, "Directory");
	sums = deb_field(stanza, "Checksums-Sha256");
	if (!sums || take_files(l, w, from->archive, dir ? dir : ".", sums) != 0)
		return err_set(err, E_APT_OUTPUT,
			       "the index of sources of archive '%s' has no digests for '%s' %s",
			       from->archive, name, version);
	w->found = true;
	return 0;
}

static void index_wishes(struct looking *l)
{
	for (size_t i = 0; i < l->wanted->count; i++) {
		struct apt_source_wish *w = &l->wanted->items[i];

		if (!map_get(&l->by_name, w->name))
			map_set(&l->by_name, w->name, w);
	}
}

int apt_sources(struct apt_request *q, struct apt_sources *wanted, struct lock_entries *ret,
		struct err **err)
{
	struct looking l = {.q = q, .wanted = wanted, .found = ret};
	int rc;

	index_wishes(&l);
	rc = apt_index(q, "Sources", take_stanza, &l, err);
	map_clear(&l.by_name);
	return rc;
}
