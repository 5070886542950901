/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/blob.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/path.h"
#include "base/trace.h"
#include "base/vec.h"
#include "store/cas.h"
#include "store/record_files.h"
#include "store/store_priv.h"

/* --- the account --------------------------------------------------------------------------- */

/* A good hash, in memory for the run and, of a large blob, as row "blob/NAME" of 'snapshot'. */
struct known {
	struct blob_stamp stamp;
	int64_t at; /* seconds since 1970 */
};

static char *row_name(const char *blob)
{
	return xasprintf("blob/%s", blob);
}

/* 0, or 1 when nothing is remembered. */
static int read_row(struct store *s, const char *blob, struct known *ret)
{
	struct err *ignored cleanup_err = NULL;
	char *name cleanup_free = row_name(blob);
	struct str text cleanup_str = STR_INIT;
	struct blob_stamp *t = &ret->stamp;

	if (!s->state || state_note_get(s->state, name, &text, &ignored) != 0)
		return 1;
	return sscanf(text.buf,
		      "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 " %" SCNd64,
		      &t->dev, &t->ino, &t->size, &t->mtime_ns, &t->ctime_ns, &ret->at) == 6
		       ? 0
		       : 1;
}

static void write_row(struct store *s, const char *blob, const struct known *k)
{
	struct err *ignored cleanup_err = NULL;
	char *name cleanup_free = row_name(blob);
	struct str text cleanup_str = STR_INIT;
	const struct blob_stamp *t = &k->stamp;

	str_printf(&text, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64,
		   t->dev, t->ino, t->size, t->mtime_ns, t->ctime_ns, k->at);
	if (s->state && state_note_put(s->state, name, &text, &ignored) < 0)
		trace(TRACE_STORE, "good blob: %s", ignored->text);
}

/* Bytes that a hash reads: holes of an image cost nothing. */
static uint64_t cost(const struct artifact *a)
{
	return a->type == OUTPUT_IMAGE ? a->allocated : a->size;
}

bool store_blob_known(struct store *s, const struct artifact *a, bool strict)
{
	char *path cleanup_free = cas_path(s->dir, a->type, &a->digest);
	char *name cleanup_free = artifact_digest_string(a);
	struct err *ignored cleanup_err = NULL;
	const struct known *k = map_get(&s->known, name);
	struct blob_stamp now;
	struct known row;
	int64_t age;

	if (blob_stamp_get(path, &now, &ignored) != 0)
		return false;
	if (k && blob_stamp_eq(&k->stamp, &now))
		return true;
	if (strict || cost(a) < BLOB_LARGE || read_row(s, name, &row) != 0)
		return false;
	age = (int64_t)time(NULL) - row.at;
	return age >= 0 && age < BLOB_TRUST_S && blob_stamp_eq(&row.stamp, &now);
}

void store_blob_good(struct store *s, const struct artifact *a, const struct blob_stamp *stamp)
{
	char *name cleanup_free = artifact_digest_string(a);
	struct known *k = map_get(&s->known, name);

	if (!k) {
		k = arena_alloc(s->arena, sizeof(*k));
		map_set(&s->known, arena_strdup(s->arena, name), k);
	}
	*k = (struct known){*stamp, (int64_t)time(NULL)};
	if (cost(a) >= BLOB_LARGE)
		write_row(s, name, k);
}

/* The second at which A was last known to be good; 0: never. */
static int64_t good_at(struct store *s, const struct artifact *a)
{
	char *name cleanup_free = artifact_digest_string(a);
	const struct known *k = map_get(&s->known, name);
	struct known row = {0};

	if (k)
		return k->at;
	return read_row(s, name, &row) == 0 ? row.at : 0;
}

/* --- what goes with a damaged one ---------------------------------------------------------- */

DEFINE_VEC(keys, struct digest)

struct suspect {
	char hex[DIGEST_HEX + 1];
	int64_t since; /* the second at which it was last known to be good; 0: never */
};

struct search {
	const struct suspects *suspects;
	struct keys users;
	void (*report)(void *arg, const struct record *user, const char *blob);
	void *arg;
};

void suspects_add(struct suspects *p, struct store *s, const struct artifact *a)
{
	suspects_add_since(p, s, a, good_at(s, a));
}

void suspects_add_since(struct suspects *p, struct store *s, const struct artifact *a,
			int64_t since)
{
	struct suspect *suspect = arena_alloc(s->arena, sizeof(*suspect));

	suspect->since = since;
	map_set(&p->blobs, digest_hex(&a->digest, suspect->hex), suspect);
}

/*
 * The suspect that REC used since it was good, by the digests in its manifest, or NULL. Project
 * files have digests there, too: one that equals a damaged blob costs a build.
 */
static const char *used_suspect(const struct suspects *p, const struct record *rec)
{
	static const char *const words[] = {" sha256:", " chunks:"};
	char hex[DIGEST_HEX + 1] = "";

	for (size_t i = 0; i < array_len(words); i++) {
		for (const char *at = rec->manifest; (at = strstr(at, words[i]));) {
			const struct suspect *found;

			at += strlen(words[i]);
			snprintf(hex, sizeof(hex), "%.*s", DIGEST_HEX, at);
			found = map_get(&p->blobs, hex);
			if (found && rec->built_at >= found->since)
				return found->hex;
		}
	}
	return NULL;
}

static int look_at(void *arg, const struct state_record *row, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct search *search = arg;
	struct record *rec;
	const char *blob;

	if (record_decode(row, arena, &rec) != 0)
		return 0;
	blob = used_suspect(search->suspects, rec);
	if (!blob)
		return 0;
	keys_push(&search->users, rec->key);
	if (search->report)
		search->report(search->arg, rec, blob);
	return 0;
}

int suspects_drop_users(struct store *s, const struct suspects *p,
			void (*report)(void *arg, const struct record *user, const char *blob),
			void *arg, size_t *ret_dropped, struct err **err)
{
	struct search search = {.suspects = p, .report = report, .arg = arg};
	int rc = 0;

	*ret_dropped = 0;
	if (!p->blobs.count)
		return 0;
	if (store_ready(s, err) < 0 || state_record_each(s->state, look_at, &search, err) < 0)
		rc = -1;
	if (rc == 0 && search.users.count)
		rc = records_drop(s, search.users.items, search.users.count, true, err);
	if (rc == 0)
		*ret_dropped = search.users.count;
	keys_clear(&search.users);
	return rc;
}

int blob_put_away(struct store *s, const struct artifact *a, const struct blob_stamp *stamp,
		  struct err **err)
{
	char *path cleanup_free = cas_path(s->dir, a->type, &a->digest);
	struct blob_stamp now;
	int rc = blob_stamp_get(path, &now, err);

	if (rc == 0 && blob_stamp_eq(&now, stamp))
		rc = cas_quarantine(s->dir, path, err);
	return rc < 0 ? -1 : 0;
}

int store_blob_damaged(struct store *s, const struct artifact *a, const struct blob_stamp *stamp,
		       size_t *ret_dropped, struct err **err)
{
	static const struct blob_stamp none;
	struct suspects p = {0};
	int rc;

	*ret_dropped = 0;
	if (blob_stamp_eq(stamp, &none)) /* it is missing: nobody can have used it */
		return 0;
	suspects_add(&p, s, a);
	rc = suspects_drop_users(s, &p, NULL, NULL, ret_dropped, err);
	map_clear(&p.blobs);
	return rc < 0 ? -1 : blob_put_away(s, a, stamp, err);
}

int store_blob_misused(struct store *s, const struct artifact *a, int64_t since,
		       size_t *ret_dropped, struct err **err)
{
	struct suspects p = {0};
	int rc;

	suspects_add_since(&p, s, a, since);
	rc = suspects_drop_users(s, &p, NULL, NULL, ret_dropped, err);
	map_clear(&p.blobs);
	return rc;
}
