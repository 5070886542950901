/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The directory of a release: its files are those that the signed statement names, no others. */
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "evidence/provenance.h"
#include "evidence/release.h"
#include "evidence/verify_priv.h"
#include "kinds/bundle/release_opts.h"

#define RELEASE_JSON_MAX (1u << 20)
#define TOLD_MAX 10 /* files, one by one */

static const char *text_at(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static int parse_statement(struct verify *v, const struct str *text)
{
	const char *type, *predicate, *purl;
	json_t *subjects;

	v->statement = json_loadb(text->buf, text->len, JSON_REJECT_DUPLICATES, NULL);
	if (json_unpack(v->statement, "{s:s, s:s, s:o, s:{s:s}}", "_type", &type, "predicateType",
			&predicate, "subject", &subjects, "predicate", "purl", &purl) ||
	    !json_is_array(subjects) || !str_eq(type, PROVENANCE_STATEMENT) ||
	    !str_eq(predicate, RELEASE_PREDICATE)) {
		verify_tell(v, "statement", false, "it is not about a release, as orch writes it");
		return 1;
	}
	verify_tell(v, "statement", true, "release %s", purl);
	return 0;
}

/* ---- files ---- */

struct comparing {
	struct verify *v;
	size_t wrong;
};

static void tell_file(struct comparing *c, const char *name, const char *what)
{
	if (c->wrong++ < TOLD_MAX)
		verify_tell(c->v, "file", false, "'%s' %s", name, what);
}

/* Subject SAID is of the file IS. */
static void compare_file(struct comparing *c, const struct release_file *is, const json_t *said)
{
	const char *sha256 = text_at(json_object_get(said, "digest"), "sha256");
	const char *link = text_at(json_object_get(said, "annotations"), "link");
	char hex[DIGEST_HEX + 1];

	if (!sha256 || !str_eq(sha256, digest_hex(&is->sha256, hex)) || !is->link != !link ||
	    (link && !str_eq(link, is->link)))
		tell_file(c, is->name, "was changed");
}

/* Both are in the order of their names. */
static void compare_files(struct verify *v, const struct release_files *f)
{
	const json_t *subjects = json_object_get(v->statement, "subject");
	struct comparing c = {.v = v};
	size_t i = 0, k = 0, count = json_array_size(subjects);

	while (i < f->count || k < count) {
		const json_t *said = json_array_get(subjects, k);
		const char *name = k < count ? text_at(said, "name") : NULL;
		int order = i == f->count ? 1
			    : k == count  ? -1
					  : strcmp(f->items[i].name, name ? name : "");

		if (order > 0)
			tell_file(&c, name ? name : "", "is not here");
		else if (order < 0)
			tell_file(&c, f->items[i].name, "is no part of the release");
		else
			compare_file(&c, &f->items[i], said);
		i += order <= 0;
		k += order >= 0;
	}
	if (c.wrong > TOLD_MAX)
		verify_tell(v, "file", false, "and %zu more", c.wrong - TOLD_MAX);
	if (!c.wrong)
		verify_tell(v, "file", true, "all %zu are as they were released", f->count);
}

/* Modes are in no statement, and so only what is never right is known to be wrong. */
static int check_rights(struct verify *v, const char *dir, struct err **err)
{
	struct release_opens list cleanup_release_opens = {0};

	if (release_opens_read(dir, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count && i < TOLD_MAX; i++)
		verify_tell(v, "rights", false, "'%s' has mode %04o: %s", list.items[i].name,
			    list.items[i].mode & 07777u,
			    list.items[i].mode & S_IWOTH ? "everybody may write to it"
							 : "no file of a release is set-ID");
	if (list.count > TOLD_MAX)
		verify_tell(v, "rights", false, "and %zu more", list.count - TOLD_MAX);
	return 0;
}

/* ---- what was built ---- */

/* The release is signed, so that a statement in it that nobody signed by itself will do. */
static int look_at_result(struct verify *v, const char *dir, const char *name, struct err **err)
{
	char *path cleanup_free = path_join(dir, name);
	struct verify_policy covered = *v->policy;
	const struct dsse_keys none = {0};

	covered.is_unsigned = covered.is_covered = true;
	return verify_is_sealed(v->arena, path)
		       ? verify_artifact(v->arena, path, v->keys, v->policy, v->found, err)
		       : verify_artifact(v->arena, path, &none, &covered, v->found, err);
}

static int look_at_results(struct verify *v, const char *dir, struct err **err)
{
	static const char *const keys[] = {"bundle", "card"};
	char *path cleanup_free = path_join(dir, RELEASE_OUTPUT);
	struct str text cleanup_str = STR_INIT;
	json_t *o;
	int rc = 0;

	if (file_read(path, RELEASE_JSON_MAX, &text, err) < 0)
		return -1;
	o = json_loads(text.buf, 0, NULL);
	for (size_t i = 0; rc == 0 && i < array_len(keys); i++) {
		const char *file = text_at(json_object_get(o, keys[i]), "file");

		if (file && !strchr(file, '/'))
			rc = look_at_result(v, dir, file, err);
		else
			verify_tell(v, "file", false, "'" RELEASE_OUTPUT "' names no %s", keys[i]);
	}
	json_decref(o);
	return rc;
}

int verify_release(struct arena *arena, const char *dir, const struct dsse_keys *keys,
		   const struct verify_policy *policy, struct verify_findings *ret,
		   struct err **err)
{
	struct verify v = {
		.arena = arena, .artifact = dir, .keys = keys, .policy = policy, .found = ret};
	struct release_files files cleanup_release_files = {0};
	char *sealed cleanup_free = path_join(dir, RELEASE_ENVELOPE);
	struct str text cleanup_str = STR_INIT;
	int rc = 0;

	if (!path_exists(sealed)) {
		verify_tell(&v, "signature", false,
			    "'" RELEASE_ENVELOPE
			    "' is not there: nobody has signed a release here");
		return 0;
	}
	if (verify_open_envelope(&v, sealed, &text) == 0 && parse_statement(&v, &text) == 0) {
		rc = release_files_read(dir, &files, err);
		if (rc == 0) {
			compare_files(&v, &files);
			rc = check_rights(&v, dir, err);
		}
		if (rc == 0)
			rc = look_at_results(&v, dir, err);
	}
	json_decref(v.statement);
	return rc;
}
