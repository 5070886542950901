/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of source packages, out of the archives' indexes of sources. */
#include "base/file.h"
#include "base/path.h"
#include "kinds/debian/apt.h"
#include "media/deb/deb.h"

#define MAX_INDEX (UINT64_C(1) << 30)

struct looking {
	struct apt_request *q;
	const char *archive; /* alias of that of the index */
	struct apt_sources *wanted;
	struct map by_name; /* -> the first of WANTED with that name */
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
static int take_files(const struct looking *l, const struct apt_source_wish *w, const char *dir,
		      char *sums, struct lock_entries *ret)
{
	char *save = NULL;

	for (char *hex; (hex = strtok_r(save ? NULL : sums, " \t", &save));) {
		char *size = strtok_r(NULL, " \t", &save), *file = strtok_r(NULL, " \t", &save);
		char *path cleanup_free = NULL, *normal cleanup_free = NULL;
		struct lock_entry e = {.type = LOCK_SOURCE,
				       .archive = l->archive,
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
		lock_entries_push(ret, e);
	}
	return 0;
}

static int take_stanza(const struct looking *l, const char *stanza, struct lock_entries *ret,
		       struct err **err)
{
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
	if (!sums || take_files(l, w, dir ? dir : ".", sums, ret) != 0)
		return err_set(err, E_APT_OUTPUT,
			       "the index of sources of archive '%s' has no digests for '%s' %s",
			       l->archive, name, version);
	w->found = true;
	return 0;
}

static int read_index(const struct looking *l, const char *path, struct lock_entries *ret,
		      struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	char *rest;
	int rc = file_read(path, MAX_INDEX, &text, err);

	rest = text.buf;
	for (char *stanza; rc == 0 && (stanza = deb_next_stanza(&rest));)
		rc = take_stanza(l, stanza, ret, err);
	return rc;
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
	char *const argv[] = {"apt-get",
			      "indextargets",
			      "--format",
			      "$(FILENAME)\t$(REPO_URI)",
			      "Created-By: Sources",
			      NULL};
	struct looking l = {.q = q, .wanted = wanted};
	struct str out cleanup_str = STR_INIT;
	char *save = NULL;
	int rc = apt_run(q, argv, &out, err);

	index_wishes(&l);
	for (char *line = strtok_r(out.buf, "\n", &save); rc == 0 && line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *url = strchr(line, '\t');
		const char *rest;

		if (!url)
			continue;
		*url++ = '\0';
		l.archive = apt_archive_of(q, url, &rest);
		if (l.archive && path_exists(line))
			rc = read_index(&l, line, ret, err);
	}
	map_clear(&l.by_name);
	return rc;
}
