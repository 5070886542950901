/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "store/state_db.h"

void state_bind_digest(sqlite3_stmt *q, int i, const struct digest *d)
{
	sqlite.bind_blob(q, i, d->b, DIGEST_LEN, SQLITE_STATIC);
}

void state_bind_text(sqlite3_stmt *q, int i, const char *text)
{
	sqlite.bind_text(q, i, text, -1, SQLITE_STATIC);
}

void state_column_digest(sqlite3_stmt *q, int i, struct digest *ret)
{
	const void *data = sqlite.column_blob(q, i);

	if (data && sqlite.column_bytes(q, i) == DIGEST_LEN)
		memcpy(ret->b, data, DIGEST_LEN);
	else
		memset(ret->b, 0, DIGEST_LEN);
}

/* --- records ------------------------------------------------------------------------------- */

static int give_record(sqlite3_stmt *q, state_record_fn *fn, void *arg, struct err **err)
{
	struct state_record row = {
		.node = state_text(q, 2),
		.seconds = sqlite.column_double(q, 3),
		.built_at = sqlite.column_int64(q, 4),
		.outputs = state_text(q, 6),
		.manifest = state_text(q, 7),
	};

	state_column_digest(q, 0, &row.key);
	state_column_digest(q, 1, &row.sum);
	state_column_digest(q, 5, &row.log);
	return fn(arg, &row, err);
}

/* The first row of a query whose parameters are bound: 0, 1 when there is none, -1. */
static int one_record(struct state *st, sqlite3_stmt *q, state_record_fn *fn, void *arg,
		      struct err **err)
{
	int rc = state_step(st, q, err);

	if (rc == 0)
		rc = give_record(q, fn, arg, err);
	sqlite.reset(q);
	return rc;
}

int state_record_get(struct state *st, const struct digest *key, state_record_fn *fn, void *arg,
		     struct err **err)
{
	sqlite3_stmt *q;

	if (state_statement(st, SQL_RECORD_GET, &q, err) < 0)
		return -1;
	state_bind_digest(q, 1, key);
	return one_record(st, q, fn, arg, err);
}

int state_record_each(struct state *st, state_record_fn *fn, void *arg, struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_RECORD_EACH, &q, err) < 0)
		return -1;
	while ((rc = state_step(st, q, err)) == 0) {
		if (give_record(q, fn, arg, err) < 0) {
			sqlite.reset(q);
			return -1;
		}
	}
	return rc < 0 ? -1 : 0;
}

/* ID 0: a new number, the highest. */
static int put_record(struct state *st, const struct state_record *row, int64_t id,
		      struct err **err)
{
	sqlite3_stmt *q;

	if (state_statement(st, SQL_RECORD_PUT, &q, err) < 0)
		return -1;
	state_bind_digest(q, 1, &row->key);
	state_bind_digest(q, 2, &row->sum);
	state_bind_text(q, 3, row->node);
	sqlite.bind_double(q, 4, row->seconds);
	sqlite.bind_int64(q, 5, row->built_at);
	state_bind_digest(q, 6, &row->log);
	state_bind_text(q, 7, row->outputs);
	state_bind_text(q, 8, row->manifest);
	if (id)
		sqlite.bind_int64(q, 9, id);
	else
		sqlite.bind_null(q, 9);
	return state_finish(st, q, err);
}

int state_record_put(struct state *st, const struct state_record *row, struct err **err)
{
	if (state_begin(st, true, err) < 0)
		return -1;
	return state_end(st, put_record(st, row, 0, err), err);
}

int state_records_put(struct state *st, const struct state_record *rows, size_t count,
		      struct err **err)
{
	int rc = 0;

	if (state_begin(st, false, err) < 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = put_record(st, &rows[i], 0, err);
	return state_end(st, rc, err);
}

static int add_record(struct state *st, const struct state_record *row, uint64_t *added,
		      struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_RECORD_GET, &q, err) < 0)
		return -1;
	state_bind_digest(q, 1, &row->key);
	rc = state_step(st, q, err);
	sqlite.reset(q);
	if (rc <= 0)
		return rc;
	++*added;
	return put_record(st, row, 0, err);
}

int state_records_add(struct state *st, state_next_fn *next, void *arg, uint64_t *ret_added,
		      struct err **err)
{
	const struct state_record *row;
	int rc = 0;

	*ret_added = 0;
	if (state_begin(st, true, err) < 0)
		return -1;
	while (rc == 0 && (row = next(arg)))
		rc = add_record(st, row, ret_added, err);
	return state_end(st, rc, err);
}

/* --- rescue -------------------------------------------------------------------------------- */

struct record_copy {
	struct state *to;
	int64_t id;
	uint64_t kept;
};

static int keep_record(void *arg, const struct state_record *row, struct err **err)
{
	struct record_copy *copy = arg;

	copy->kept++;
	return put_record(copy->to, row, copy->id, err);
}

/* *ret_end: the walk reached the end of the table. */
static int copy_walk(struct state *old, const char *sql, struct record_copy *copy, bool *ret_end,
		     struct err **err)
{
	struct err *broken cleanup_err = NULL;
	sqlite3_stmt *q = NULL;
	int rc = 0, kept = 0;

	if (sqlite.prepare_v2(old->db, sql, -1, &q, NULL) != SQLITE_OK)
		return 0;
	while (kept == 0 && (rc = state_step(old, q, &broken)) == 0) {
		copy->id = sqlite.column_int64(q, 8);
		kept = give_record(q, keep_record, copy, err);
	}
	sqlite.finalize(q);
	*ret_end = rc == 1;
	return kept;
}

int state_copy_records(struct state *old, struct state *to, uint64_t *ret_kept, struct err **err)
{
	static const char *const walks[] = {
		"SELECT " RECORD_COLUMNS ", id FROM record NOT INDEXED ORDER BY id",
		"SELECT " RECORD_COLUMNS ", id FROM record NOT INDEXED ORDER BY id DESC",
	};
	struct record_copy copy = {.to = to};
	bool whole = false;

	for (size_t i = 0; i < array_len(walks) && !whole; i++) {
		if (copy_walk(old, walks[i], &copy, &whole, err) < 0)
			return -1;
	}
	*ret_kept = copy.kept;
	return 0;
}

/* --- file-stat cache ----------------------------------------------------------------------- */

int state_file_each(struct state *st, state_file_fn *fn, void *arg, struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_FILE_EACH, &q, err) < 0)
		return -1;
	while ((rc = state_step(st, q, err)) == 0) {
		struct state_file row = {
			.path = state_text(q, 0),
			.dev = (uint64_t)sqlite.column_int64(q, 1),
			.ino = (uint64_t)sqlite.column_int64(q, 2),
			.size = (uint64_t)sqlite.column_int64(q, 3),
			.mtime_ns = sqlite.column_int64(q, 4),
			.ctime_ns = sqlite.column_int64(q, 5),
		};

		/*
		 * A file whose row is damaged was not looked at yet: zeros would make it equal to
		 * every other such file.
		 */
		if (sqlite.column_bytes(q, 6) != DIGEST_LEN)
			continue;
		state_column_digest(q, 6, &row.digest);
		fn(arg, &row);
	}
	return rc < 0 ? -1 : 0;
}

static int put_file(struct state *st, const struct state_file *row, struct err **err)
{
	sqlite3_stmt *q;

	if (state_statement(st, SQL_FILE_PUT, &q, err) < 0)
		return -1;
	state_bind_text(q, 1, row->path);
	sqlite.bind_int64(q, 2, (int64_t)row->dev);
	sqlite.bind_int64(q, 3, (int64_t)row->ino);
	sqlite.bind_int64(q, 4, (int64_t)row->size);
	sqlite.bind_int64(q, 5, row->mtime_ns);
	sqlite.bind_int64(q, 6, row->ctime_ns);
	state_bind_digest(q, 7, &row->digest);
	return state_finish(st, q, err);
}

int state_file_put(struct state *st, const struct state_file *const *rows, size_t count, bool clear,
		   struct err **err)
{
	int rc = 0;

	if (state_begin(st, false, err) < 0)
		return -1;
	if (clear)
		rc = state_plain(st, SQL_FILE_CLEAR, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = put_file(st, rows[i], err);
	return state_end(st, rc, err);
}

/* --- notes: rows of table 'snapshot' ------------------------------------------------------- */

int state_note_get(struct state *st, const char *name, struct str *ret, struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_SNAPSHOT_GET, &q, err) < 0)
		return -1;
	state_bind_text(q, 1, name);
	rc = state_step(st, q, err);
	if (rc == 0)
		str_append_len(ret, sqlite.column_blob(q, 0), (size_t)sqlite.column_bytes(q, 0));
	sqlite.reset(q);
	return rc;
}

static int put_snapshot(struct state *st, const char *name, const struct str *data,
			struct err **err)
{
	sqlite3_stmt *q;

	if (state_statement(st, SQL_SNAPSHOT_PUT, &q, err) < 0)
		return -1;
	state_bind_text(q, 1, name);
	sqlite.bind_blob64(q, 2, data->buf, data->len, SQLITE_STATIC);
	return state_finish(st, q, err);
}

int state_note_put(struct state *st, const char *name, const struct str *data, struct err **err)
{
	if (state_begin(st, false, err) < 0)
		return -1;
	return state_end(st, put_snapshot(st, name, data, err), err);
}

/* --- last use ------------------------------------------------------------------------------ */

/* Rows of 'snapshot', which may be lost too: "used/KEY" and the day as a decimal number. */
static char *used_name(const struct digest *key)
{
	char hex[DIGEST_HEX + 1];

	return xasprintf("used/%s", digest_hex(key, hex));
}

static int put_used(struct state *st, const struct digest *key, int64_t day, struct err **err)
{
	char *name cleanup_free = used_name(key), *text cleanup_free = NULL;
	sqlite3_stmt *q;

	if (state_statement(st, SQL_USED_PUT, &q, err) < 0)
		return -1;
	text = xasprintf("%lld", (long long)day);
	state_bind_text(q, 1, name);
	sqlite.bind_blob64(q, 2, text, strlen(text), SQLITE_STATIC);
	return state_finish(st, q, err);
}

int state_used_put(struct state *st, const struct digest *keys, size_t count, int64_t day,
		   struct err **err)
{
	int rc = 0;

	if (state_begin(st, false, err) < 0)
		return -1;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = put_used(st, &keys[i], day, err);
	return state_end(st, rc, err);
}

int state_used_each(struct state *st, state_used_fn *fn, void *arg, struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_USED_EACH, &q, err) < 0)
		return -1;
	while ((rc = state_step(st, q, err)) == 0) {
		struct digest key;

		if (digest_parse(state_text(q, 0) + strlen("used/"), &key) == 0)
			fn(arg, &key, sqlite.column_int64(q, 1));
	}
	return rc < 0 ? -1 : 0;
}

static int drop_one(struct state *st, const struct digest *key, struct err **err)
{
	char *name cleanup_free = used_name(key);
	sqlite3_stmt *q, *u;

	if (state_statement(st, SQL_RECORD_DROP, &q, err) < 0 ||
	    state_statement(st, SQL_USED_DROP, &u, err) < 0)
		return -1;
	state_bind_digest(q, 1, key);
	state_bind_text(u, 1, name);
	return state_finish(st, q, err) < 0 || state_finish(st, u, err) < 0 ? -1 : 0;
}

int state_records_drop(struct state *st, const struct digest *keys, size_t count, struct err **err)
{
	int rc = 0;

	if (state_begin(st, true, err) < 0)
		return -1;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = drop_one(st, &keys[i], err);
	return state_end(st, rc, err);
}
