/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the tests of the store share: a store in a directory of the test, blobs and records in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "store/cas.h"
#include "store/store.h"
#include "tmp.h"

static char *where; /* the store, DIR/store */

static inline int setup(void **state)
{
	if (dir_setup(state) < 0)
		return -1;
	where = path_join(dir, "store");
	return 0;
}

static inline int teardown(void **state)
{
	free(where);
	return dir_teardown(state);
}

static inline void ok(int rc, struct err *err)
{
	if (rc != 0)
		fail_msg("%d: %s", rc, err ? err->text : "no error text");
}

static inline struct store *open_store(void)
{
	struct err *err = NULL;
	struct store *s = NULL;

	ok(store_open(where, false, &s, &err), err);
	return s;
}

static inline char *write_input(const char *name, const char *content)
{
	char *path = path_join(dir, name);
	struct err *err = NULL;

	ok(file_write(path, content, strlen(content), 0644, false, &err), err);
	return path;
}

/* Takes a file with CONTENT into the store. */
static inline struct artifact put_blob(const char *name, const char *content)
{
	char *path cleanup_free = write_input("work", content);
	struct artifact a = {.name = name};
	struct err *err = NULL;

	ok(cas_ingest(where, path, OUTPUT_FILE, &a, NULL, &err), err);
	assert_false(path_exists(path));
	return a;
}

static inline void key_of(const char *manifest, struct digest *ret)
{
	digest_data(manifest, strlen(manifest), ret);
}

static inline void put_record(struct store *s, const char *node, const char *manifest,
			      struct artifact *a, size_t count)
{
	struct record rec = {.node = node,
			     .manifest = manifest,
			     .outputs = a,
			     .output_count = count,
			     .seconds = 2.5,
			     .built_at = 1700000000};
	struct err *err = NULL;

	key_of(manifest, &rec.key);
	ok(store_record_put(s, &rec, &err), err);
}

/* 0 or 1, as store_record_get. */
static inline int look(struct store *s, const char *manifest, struct arena *arena,
		       struct record **ret)
{
	struct err *err cleanup_err = NULL;
	struct digest key;
	int rc;

	key_of(manifest, &key);
	rc = store_record_get(s, &key, arena, ret, &err);
	if (rc < 0)
		fail_msg("%s", err->text);
	return rc;
}

static inline int check(struct store *s, const struct record *rec, char **why)
{
	struct err *err cleanup_err = NULL;
	int rc = store_record_check(s, rec, why, &err);

	if (rc < 0)
		fail_msg("%s", err->text);
	return rc;
}

/* What somebody else does to the database. */
static inline void sql(const char *text)
{
	char *path cleanup_free = path_join(where, "state.sqlite");
	char *why = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	sqlite3_close(db);
}

static inline void damage(const char *path, off_t at, const char *bytes)
{
	int fd;

	chmod(path, 0644);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, strlen(bytes), at), strlen(bytes));
	close(fd);
}

/* Other bytes under the same size and times, as a disk that forgets leaves them. */
static inline void flip(const struct artifact *a, off_t at, const char *bytes)
{
	char *path cleanup_free = cas_path(where, a->type, &a->digest);
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = BLOB_MTIME}};

	damage(path, at, bytes);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
