/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The indexes of archives, read as they lie among apt's lists: apt-cache, asked for hundreds of
 * packages, reads an index of sources once for each.
 */
#include "base/file.h"
#include "base/path.h"
#include "kinds/debian/apt.h"
#include "media/deb/deb.h"

#define MAX_INDEX (UINT64_C(1) << 30)

struct reading {
	apt_stanza_fn *fn;
	void *arg;
};

static int read_index(const struct reading *r, const struct apt_index *index, const char *path,
		      struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	char *rest;
	int rc = file_read(path, MAX_INDEX, &text, err);

	rest = text.buf;
	for (char *stanza; rc == 0 && (stanza = deb_next_stanza(&rest));)
		rc = r->fn(r->arg, index, stanza, err);
	return rc;
}

/* "FILE<TAB>URL<TAB>SUITE", which is cut up. */
static int read_line(const struct apt_request *q, const struct reading *r, char *line,
		     struct err **err)
{
	char *path = strsep(&line, "\t"), *url = strsep(&line, "\t");
	struct apt_index index = {.suite = line};
	const char *rest;

	if (!url || !line)
		return 0;
	index.archive = apt_archive_of(q, url, &rest);
	return index.archive && path_exists(path) ? read_index(r, &index, path, err) : 0;
}

int apt_index(struct apt_request *q, const char *what, apt_stanza_fn *fn, void *arg,
	      struct err **err)
{
	char *created cleanup_free = xasprintf("Created-By: %s", what);
	char *const argv[] = {"apt-get",  "indextargets",
			      "--format", "$(FILENAME)\t$(REPO_URI)\t$(RELEASE)",
			      created,    NULL};
	const struct reading r = {fn, arg};
	struct str out cleanup_str = STR_INIT;
	char *save = NULL;
	int rc = apt_run(q, argv, &out, err);

	for (char *line = strtok_r(out.buf, "\n", &save); rc == 0 && line;
	     line = strtok_r(NULL, "\n", &save))
		rc = read_line(q, &r, line, err);
	return rc;
}
