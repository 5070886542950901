/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blobs whose bytes changed while their size and times did not. */
#include "store-help.h"

#include <dirent.h>
#include <time.h>

#include "store/blob.h"

static void assert_content(const struct artifact *a, const char *want)
{
	char *path cleanup_free = cas_path(where, a->type, &a->digest);
	struct str text cleanup_str = STR_INIT;
	struct err *err = NULL;

	ok(file_read(path, 100, &text, &err), err);
	assert_string_equal(text.buf, want);
}

static size_t in_quarantine(void)
{
	char *path cleanup_free = path_join(where, "quarantine");
	DIR *d = opendir(path);
	size_t n = 0;

	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static int hash(const struct artifact *a, struct blob_state *ret)
{
	struct err *err = NULL;
	int rc = blob_hash(where, a, ret, &err);

	if (rc < 0)
		fail_msg("%s", err->text);
	return rc;
}

static void a_flip_shows_when_it_is_hashed(void **state)
{
	struct store *s = open_store();
	struct artifact a = put_blob("a", "aaaa"), b = put_blob("b", "bbbb");
	struct blob_state good cleanup_blob_state = {0}, bad cleanup_blob_state = {0},
			       gone cleanup_blob_state = {0};
	char *path cleanup_free = cas_path(where, b.type, &b.digest);

	flip(&a, 1, "x");
	assert_int_equal(hash(&b, &good), 0);
	assert_null(good.why);
	assert_int_equal(good.stamp.size, 4);
	assert_int_equal(hash(&a, &bad), 1);
	assert_string_equal(bad.why, "its content has changed");
	assert_content(&a, "axaa"); /* where it was: others decide */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(hash(&b, &gone), 1);
	assert_string_equal(gone.why, "it is missing");
	assert_int_equal(gone.stamp.ino, 0);
	store_close(s);
}

/* Whoever has the damaged one open keeps what he has; its name is the good one's. */
static void a_new_good_blob_replaces_it(void **state)
{
	struct store *s = open_store();
	struct artifact a = put_blob("a", "aaaa"), again = {.name = "a"};
	char *path cleanup_free = write_input("work", "aaaa"), *same cleanup_free = NULL;
	char *blob cleanup_free = cas_path(where, a.type, &a.digest);
	struct blob_state old cleanup_blob_state = {0};
	struct stat before, after;
	struct err *err = NULL;
	int fd cleanup_fd = -1;
	char c;

	flip(&a, 0, "x");
	fd = open(blob, O_RDONLY | O_CLOEXEC);
	ok(cas_ingest(where, path, OUTPUT_FILE, &again, &old, &err), err);
	assert_string_equal(old.why, "its content has changed");
	assert_content(&a, "aaaa");
	assert_int_equal(in_quarantine(), 1);
	assert_int_equal(pread(fd, &c, 1, 0), 1);
	assert_int_equal(c, 'x');
	/* a good one stays: nobody's stamp of it changes */
	same = write_input("work", "aaaa");
	assert_int_equal(stat(blob, &before), 0);
	blob_state_clear(&old);
	ok(cas_ingest(where, same, OUTPUT_FILE, &again, &old, &err), err);
	assert_null(old.why);
	assert_int_equal(stat(blob, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	store_close(s);
}

static void it_is_not_handed_out(void **state)
{
	struct store *s = open_store();
	struct artifact a = put_blob("a", "aaaa");
	char *dest cleanup_free = write_input("dest", "what was there");
	struct blob_state seen cleanup_blob_state = {0};
	struct str text cleanup_str = STR_INIT;
	struct err *err = NULL;

	flip(&a, 3, "x");
	assert_int_equal(cas_checkout(where, &a, dest, &seen, &err), 1);
	assert_null(err);
	assert_string_equal(seen.why, "its content has changed");
	ok(file_read(dest, 100, &text, &err), err);
	assert_string_equal(text.buf, "what was there");
	store_close(s);
}

static char *user_manifest(const char *node, const struct artifact *a)
{
	char *name cleanup_free = artifact_digest_string(a);

	return xasprintf("orch-manifest 1\nnode \"%s\"\n"
			 "input \"a:x\" output \"x\" file %s 4\n",
			 node, name);
}

/* A record of NODE, which used A, made AT. */
static void put_user(struct store *s, const char *node, const struct artifact *a, int64_t at,
		     struct artifact *out)
{
	char *manifest cleanup_free = user_manifest(node, a);
	struct record rec = {.node = node,
			     .manifest = manifest,
			     .outputs = out,
			     .output_count = 1,
			     .built_at = at};
	struct err *err = NULL;

	key_of(manifest, &rec.key);
	ok(store_record_put(s, &rec, &err), err);
}

static bool has_user(struct store *s, const char *node, const struct artifact *a)
{
	char *manifest cleanup_free = user_manifest(node, a);
	struct arena *arena cleanup_arena = arena_new();
	struct record *rec;

	return look(s, manifest, arena, &rec) == 0;
}

static void what_used_it_goes_too(void **state)
{
	struct store *s = open_store();
	struct artifact a = put_blob("a", "aaaa"), b = put_blob("b", "bbbb"),
			out = put_blob("out", "cccc");
	struct blob_state seen cleanup_blob_state = {0};
	struct err *err = NULL;
	size_t dropped = 0;
	time_t now = time(NULL);

	put_record(s, "a", "ma", &a, 1);
	assert_int_equal(hash(&a, &seen), 0);
	store_blob_good(s, &a, &seen.stamp);
	put_user(s, "before", &a, now - 100, &out);
	put_user(s, "after", &a, now + 100, &out);
	put_user(s, "other", &b, now + 100, &out);
	flip(&a, 0, "x");
	assert_false(store_blob_known(s, &a, false));
	assert_int_equal(hash(&a, &seen), 1);
	ok(store_blob_damaged(s, &a, &seen.stamp, &dropped, &err), err);
	assert_int_equal(dropped, 1);
	assert_true(has_user(s, "before", &a));
	assert_false(has_user(s, "after", &a));
	assert_true(has_user(s, "other", &b));
	assert_int_equal(in_quarantine(), 1);
	/* told twice, as by two workers: nothing is left to do, and a new blob is not touched */
	put_blob("a", "aaaa");
	ok(store_blob_damaged(s, &a, &seen.stamp, &dropped, &err), err);
	assert_content(&a, "aaaa");
	store_close(s);
}

static void verify_drops_users(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct store *s = open_store();
	struct artifact a = put_blob("a", "aaaa"), b = put_blob("b", "bbbb"),
			out = put_blob("out", "cccc");
	struct store_verify_result r;
	struct err *err = NULL;
	struct record *rec;

	put_record(s, "a", "ma", &a, 1);
	put_user(s, "user", &a, 1700000000, &out);
	put_user(s, "other", &b, 1700000000, &out);
	flip(&a, 0, "x");
	ok(store_verify(s, &(struct store_verify_opts){0}, &r, &err), err);
	assert_int_equal(r.damaged, 1);
	assert_int_equal(look(s, "ma", arena, &rec), 1);
	assert_false(has_user(s, "user", &a));
	assert_true(has_user(s, "other", &b));
	ok(store_verify(s, &(struct store_verify_opts){0}, &r, &err), err);
	assert_int_equal(r.damaged + r.missing, 0);
	store_close(s);
}

/* Small blobs, and all that are signed, are hashed in each run; large ones once a day. */
static void trust_ends(void **state)
{
	struct store *s = open_store();
	struct artifact small = put_blob("s", "s"), large = put_blob("l", "l");
	char *path cleanup_free = cas_path(where, large.type, &large.digest);
	struct blob_state seen cleanup_blob_state = {0};

	large.size = BLOB_LARGE; /* as far as the account is concerned */
	assert_false(store_blob_known(s, &large, false));
	ok(blob_stamp_get(path, &seen.stamp, NULL), NULL);
	store_blob_good(s, &large, &seen.stamp);
	assert_int_equal(hash(&small, &seen), 0);
	store_blob_good(s, &small, &seen.stamp);
	assert_true(store_blob_known(s, &large, true)); /* hashed in this run */
	assert_true(store_blob_known(s, &small, true));
	store_close(s);
	s = open_store();
	assert_true(store_blob_known(s, &large, false));
	assert_false(store_blob_known(s, &large, true));
	assert_false(store_blob_known(s, &small, false));
	flip(&large, 0, "x"); /* through the file system: the change time tells */
	assert_false(store_blob_known(s, &large, false));
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_flip_shows_when_it_is_hashed),
		TEST(a_new_good_blob_replaces_it),
		TEST(it_is_not_handed_out),
		TEST(what_used_it_goes_too),
		TEST(verify_drops_users),
		TEST(trust_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
