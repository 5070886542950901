/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/release.h"

#include <errno.h>
#include <fts.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "evidence/bill.h"
#include "evidence/provenance.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct release_file *)a)->name,
		      ((const struct release_file *)b)->name);
}

static int read_link(const FTSENT *e, struct release_file *f, struct err **err)
{
	char to[PATH_MAX];
	ssize_t n = readlink(e->fts_path, to, sizeof(to));

	if (n < 0 || n == (ssize_t)sizeof(to))
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", e->fts_path);
	f->link = xstrndup(to, (size_t)n);
	digest_data(to, (size_t)n, &f->sha256);
	return 0;
}

/* What is no file, link or directory has no digest, and nothing to do in a release. */
static int add(const FTSENT *e, const char *name, struct release_files *ret, struct err **err)
{
	struct release_file f = {0};
	int rc = 0;

	if (e->fts_info == FTS_D || e->fts_info == FTS_DP || str_eq(name, RELEASE_ENVELOPE))
		return 0;
	if (e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE)
		rc = read_link(e, &f, err);
	else if (e->fts_info == FTS_F)
		rc = digest_file(e->fts_path, &f.sha256, err);
	else if (e->fts_info == FTS_DEFAULT)
		return err_set(err, E_NOT_A_FILE, "'%s' is not a file", e->fts_path);
	else
		return err_errno(err, E_READ_FAILED, e->fts_errno, "cannot read '%s'", e->fts_path);
	if (rc < 0)
		return -1;
	f.name = xstrdup(name);
	release_files_push(ret, f);
	return 0;
}

/* Calls FN for all in DIR, and DIR itself, by name: ".", "pool", "pool/sha256"; -1 ends it. */
typedef int each_fn(const FTSENT *e, const char *name, void *arg, struct err **err);
static int each(const char *dir, each_fn *fn, void *arg, struct err **err)
{
	char *top cleanup_free = path_normal(dir), *const roots[] = {top, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	int rc = 0;

	if (!walk)
		return err_errno(err, E_READ_FAILED, errno, "cannot look into '%s'", dir);
	for (FTSENT *e; rc == 0 && (e = fts_read(walk));)
		rc = fn(e, e->fts_level > 0 ? e->fts_path + strlen(top) + 1 : ".", arg, err);
	fts_close(walk);
	return rc;
}

static int take_file(const FTSENT *e, const char *name, void *arg, struct err **err)
{
	return e->fts_level > 0 ? add(e, name, arg, err) : 0;
}

int release_files_read(const char *dir, struct release_files *ret, struct err **err)
{
	int rc = each(dir, take_file, ret, err);

	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return rc;
}

/* ---- rights ---- */

static int take_open(const FTSENT *e, const char *name, void *arg, struct err **err)
{
	struct release_opens *list = arg;
	mode_t never = S_ISREG(e->fts_statp->st_mode)   ? S_ISUID | S_ISGID | S_IWOTH
		       : S_ISDIR(e->fts_statp->st_mode) ? S_IWOTH
							: 0;

	if (e->fts_info != FTS_DP && e->fts_info != FTS_NS && e->fts_statp->st_mode & never)
		release_opens_push(list,
				   (struct release_open){xstrdup(name), e->fts_statp->st_mode});
	return 0;
}

static int by_open_name(const void *a, const void *b)
{
	return strcmp(((const struct release_open *)a)->name,
		      ((const struct release_open *)b)->name);
}

int release_opens_read(const char *dir, struct release_opens *ret, struct err **err)
{
	int rc = each(dir, take_open, ret, err);

	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_open_name);
	return rc;
}

void release_opens_free(struct release_opens *o)
{
	for (size_t i = 0; i < o->count; i++)
		free(o->items[i].name);
	release_opens_clear(o);
}

void release_files_free(struct release_files *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->items[i].name);
		free(f->items[i].link);
	}
	release_files_clear(f);
}

/* As sha256sum(1) writes it, with a backslash before a line that has escapes. */
static void put_sum(struct str *to, const struct release_file *f)
{
	bool odd = strchr(f->name, '\n');
	char hex[DIGEST_HEX + 1];

	str_printf(to, "%s%s  ", odd ? "\\" : "", digest_hex(&f->sha256, hex));
	for (const char *p = f->name; *p; p++) {
		if (odd && *p == '\n')
			str_append(to, "\\n");
		else if (odd && *p == '\\')
			str_append(to, "\\\\");
		else
			str_append_char(to, *p);
	}
	str_append_char(to, '\n');
}

void release_sums(const struct release_files *f, struct str *ret)
{
	for (size_t i = 0; i < f->count; i++)
		if (!f->items[i].link)
			put_sum(ret, &f->items[i]);
}

static json_t *subject(const struct release_file *f)
{
	char hex[DIGEST_HEX + 1];
	json_t *o = json_pack("{s:s, s:{s:s}}", "name", f->name, "digest", "sha256",
			      digest_hex(&f->sha256, hex));

	json_t *notes = o && f->link ? json_pack("{s:s}", "link", f->link) : NULL;

	if (notes)
		json_object_set_new(o, "annotations", notes);
	else if (o && f->link)
		json_decref(steal_ptr(o));
	return o;
}

static json_t *subjects_of(const struct release_files *f, struct err **err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->count; i++) {
		json_t *o = subject(&f->items[i]);

		if (!o) {
			json_decref(list);
			err_set(err, E_INVALID_VALUE,
				"'%s' is no UTF-8, so that no statement can name it: rename it",
				f->items[i].name);
			return NULL;
		}
		json_array_append_new(list, o);
	}
	return list;
}

int release_statement(const struct release_files *f, const char *project, const char *version,
		      struct str *ret, struct err **err)
{
	struct str purl cleanup_str = STR_INIT;
	json_t *subjects = subjects_of(f, err), *o;
	char *text cleanup_free = NULL;

	if (!subjects)
		return -1;
	purl_generic(&purl, project, version);
	o = json_pack("{s:s, s:o, s:s, s:{s:s}}", "_type", PROVENANCE_STATEMENT, "subject",
		      subjects, "predicateType", RELEASE_PREDICATE, "predicate", "purl", purl.buf);
	text = json_dumps(o, JSON_ENSURE_ASCII | JSON_INDENT(2));
	json_decref(o);
	str_printf(ret, "%s\n", text ? text : "null");
	return 0;
}
