/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records whose blobs may be in a shared place alone. */
#include "store-help.h"

/* Takes the record of "manifest" as a shared one; the blob of its output is removed. */
static struct artifact take(struct store *s)
{
	struct artifact a = put_blob("x", "content");
	char *path cleanup_free = cas_path(where, a.type, &a.digest);
	struct record rec = {.node = "n", .manifest = "manifest", .outputs = &a, .output_count = 1};
	struct record *recs[] = {&rec};
	struct err *err = NULL;

	a.shared = true;
	key_of("manifest", &rec.key);
	ok(store_records_take(s, recs, 1, &err), err);
	assert_int_equal(unlink(path), 0);
	return a;
}

static void absent_blobs_are_no_damage(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct store *s = open_store();
	const struct store_verify_opts opts = {0};
	struct store_verify_result result;
	struct artifact a = take(s);
	struct err *err = NULL;
	struct record *rec;
	char *why = NULL;

	assert_int_equal(look(s, "manifest", arena, &rec), 0);
	assert_true(rec->outputs[0].shared);
	assert_false(store_blob_is_here(s, &a));
	assert_int_equal(check(s, rec, &why), 0);
	ok(store_verify(s, &opts, &result, &err), err);
	assert_int_equal(result.missing, 0);
	assert_int_equal(look(s, "manifest", arena, &rec), 0);
	store_close(s);
}

static void what_came_and_broke_is_damage(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct store *s = open_store();
	struct artifact a = take(s), again;
	char *path cleanup_free = cas_path(where, a.type, &a.digest);
	char *why cleanup_free = NULL;
	struct err *err = NULL;
	struct record *rec;

	again = put_blob("x", "content");
	assert_true(store_blob_is_here(s, &a));
	assert_int_equal(look(s, "manifest", arena, &rec), 0);
	assert_int_equal(check(s, rec, &why), 0);
	assert_int_equal(chmod(path, 0644), 0);
	ok(file_write(path, "CONTENT", 7, 0644, false, &err), err);
	assert_int_equal(check(s, rec, &why), 1);
	assert_false(store_blob_is_here(s, &a));
	assert_int_equal(check(s, rec, &why), 0);
	assert_true(digest_eq(&a.digest, &again.digest));
	store_close(s);
}

static void own_results_replace_shared_ones(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct store *s = open_store();
	struct artifact a;
	struct err *err = NULL;
	struct digest key;
	struct record *rec;
	char *why cleanup_free = NULL, *path cleanup_free = NULL;

	take(s);
	key_of("manifest", &key);
	assert_int_equal(store_record_peek(where, &key, arena, &rec), 1);
	a = put_blob("x", "content");
	put_record(s, "n", "manifest", &a, 1);
	assert_int_equal(store_record_peek(where, &key, arena, &rec), 0);
	assert_string_equal(rec->outputs[0].name, "x");
	assert_false(rec->outputs[0].shared);
	assert_int_equal(look(s, "manifest", arena, &rec), 0);
	assert_false(rec->outputs[0].shared);
	path = cas_path(where, a.type, &a.digest);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(check(s, rec, &why), 1);
	ok(store_record_drop(s, &key, &err), err);
	assert_int_equal(look(s, "manifest", arena, &rec), 1);
	assert_int_equal(store_record_peek(where, &key, arena, &rec), 1);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(absent_blobs_are_no_damage),
		TEST(what_came_and_broke_is_damage),
		TEST(own_results_replace_shared_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
