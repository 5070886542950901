/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store-help.h"

#include <time.h>

static void record_survives_reopening(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct store *s = open_store();
	struct artifact a[2] = {put_blob("root \"x\".img", "hello"), put_blob("b", "")};
	struct record *rec;
	char *why cleanup_free = NULL;

	a[1].type = OUTPUT_TREE;
	put_record(s, "root", "manifest 1\n", a, 2);
	store_close(s);
	s = open_store();
	assert_int_equal(look(s, "manifest 2\n", arena, &rec), 1);
	assert_int_equal(look(s, "manifest 1\n", arena, &rec), 0);
	assert_string_equal(rec->node, "root");
	assert_string_equal(rec->manifest, "manifest 1\n");
	assert_int_equal(rec->output_count, 2);
	assert_string_equal(rec->outputs[0].name, "root \"x\".img");
	assert_int_equal(rec->outputs[0].size, 5);
	assert_int_equal(rec->outputs[1].type, OUTPUT_TREE);
	assert_true(digest_eq(&rec->outputs[0].digest, &a[0].digest));
	assert_true(rec->seconds == 2.5 && rec->built_at == 1700000000);
	assert_int_equal(check(s, rec, &why), 0);
	assert_null(store_warning(s));
	store_close(s);
}

static void blobs_are_read_only_and_shared(void **state)
{
	struct store *s = open_store();
	struct artifact a = put_blob("x", "same"), b = put_blob("y", "same");
	char *path cleanup_free = cas_path(where, a.type, &a.digest);
	struct stat st;

	assert_true(digest_eq(&a.digest, &b.digest));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	assert_int_equal(st.st_nlink, 1);
	store_close(s);
}

static void outputs_that_are_no_plain_files_are_refused(void **state)
{
	struct store *s = open_store();
	char *path cleanup_free = path_join(dir, "link"),
		   *directory cleanup_free = path_join(dir, "dir");
	struct artifact a = {0};
	struct err *err cleanup_err = NULL;

	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(cas_ingest(where, path, OUTPUT_FILE, &a, NULL, &err), -1);
	assert_int_equal(err->code->cls, ERR_BUILD);
	assert_int_equal(mkdir(directory, 0755), 0);
	assert_int_equal(cas_ingest(where, directory, OUTPUT_FILE, &a, NULL, &err), -1);
	store_close(s);
}

/* Another name of an output must not be a way to change the blob. */
static void hard_links_do_not_reach_the_store(void **state)
{
	struct store *s = open_store();
	char *path cleanup_free = write_input("work", "first"),
		   *other cleanup_free = path_join(dir, "other");
	char *blob cleanup_free = NULL;
	struct str text cleanup_str = STR_INIT;
	struct artifact a = {.name = "x"};
	struct err *err = NULL;

	assert_int_equal(link(path, other), 0);
	ok(cas_ingest(where, path, OUTPUT_FILE, &a, NULL, &err), err);
	assert_false(path_exists(path));
	damage(other, 0, "XXXXX");
	blob = cas_path(where, OUTPUT_FILE, &a.digest);
	ok(file_read(blob, 100, &text, &err), err);
	assert_string_equal(text.buf, "first");
	store_close(s);
}

static void images_are_named_by_their_chunks(void **state)
{
	struct store *s = open_store();
	char *path cleanup_free = path_join(dir, "img"),
		   *dest cleanup_free = path_join(dir, "out/a.img");
	char *name cleanup_free = NULL, *blob cleanup_free = NULL;
	struct blob_state look cleanup_blob_state = {0};
	struct artifact a = {.name = "a.img"};
	struct err *err = NULL;
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	assert_int_equal(pwrite(fd, "data", 4, 40 << 20), 4);
	close(fd);
	ok(cas_ingest(where, path, OUTPUT_IMAGE, &a, NULL, &err), err);
	assert_int_equal(a.size, 64 << 20);
	assert_int_equal(a.allocated, 4096);
	name = artifact_digest_string(&a);
	assert_non_null(str_skip(name, "chunks:"));
	blob = cas_path(where, a.type, &a.digest);
	assert_true(str_ends(blob, ".chunks"));
	ok(cas_checkout(where, &a, dest, &look, &err), err);
	ok(cas_checkout(where, &a, dest, &look, &err), err); /* over the old one */
	assert_int_equal(stat(dest, &st), 0);
	assert_int_equal(st.st_size, 64 << 20);
	assert_true(st.st_blocks * 512 < 4 << 20);
	assert_int_equal(st.st_mode & 07777, 0644);
	store_close(s);
}

/* Blobs are read-only, for their owner too. */
static void cut(const char *blob)
{
	assert_int_equal(chmod(blob, 0644), 0);
	assert_int_equal(truncate(blob, 0), 0);
}

static void damaged_blobs_are_misses_and_heal(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct store *s = open_store();
	struct artifact a = put_blob("x", "content");
	char *blob cleanup_free = cas_path(where, a.type, &a.digest);
	char *quarantine cleanup_free = path_join(where, "quarantine");
	struct record *rec;

	put_record(s, "n", "m", &a, 1);
	assert_int_equal(look(s, "m", arena, &rec), 0);
	for (int i = 0; i < 4; i++) {
		char *why = NULL;

		if (i == 0)
			damage(blob, 3, "T");
		else if (i == 1)
			cut(blob);
		else if (i == 2)
			unlink(blob);
		else
			damage(blob, 7, "more");
		assert_int_equal(check(s, rec, &why), 1);
		assert_non_null(strstr(why, "'x'"));
		free(why);
		assert_false(path_exists(blob));
		put_blob("x", "content");
		assert_int_equal(check(s, rec, &why), 0);
	}
	assert_true(path_exists(quarantine));
	store_close(s);
}

/* Touched, but whole: hashed once, not thrown away. */
static void touched_blobs_are_kept(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct store *s = open_store();
	struct artifact a = put_blob("x", "content");
	char *blob cleanup_free = cas_path(where, a.type, &a.digest);
	struct record *rec;
	struct stat st;
	char *why = NULL;

	put_record(s, "n", "m", &a, 1);
	assert_int_equal(look(s, "m", arena, &rec), 0);
	assert_int_equal(utimensat(AT_FDCWD, blob, NULL, 0), 0);
	assert_int_equal(check(s, rec, &why), 0);
	assert_int_equal(stat(blob, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, BLOB_MTIME);
	store_close(s);
}

static void a_damaged_blob_is_replaced_by_ingest(void **state)
{
	struct store *s = open_store();
	struct artifact a = put_blob("x", "content");
	char *blob cleanup_free = cas_path(where, a.type, &a.digest);
	struct str text cleanup_str = STR_INIT;
	struct err *err = NULL;

	damage(blob, 0, "XX");
	put_blob("x", "content");
	ok(file_read(blob, 100, &text, &err), err);
	assert_string_equal(text.buf, "content");
	store_close(s);
}

static void count_report(void *arg, const char *text)
{
	(*(int *)arg)++;
}

static void verify_finds_what_times_hide(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct store *s = open_store();
	struct artifact a = put_blob("a", "aaaa"), b = put_blob("b", "bbbb"),
			c = put_blob("c", "cccc");
	char *pa cleanup_free = cas_path(where, a.type, &a.digest);
	char *pb cleanup_free = cas_path(where, b.type, &b.digest);
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = BLOB_MTIME}};
	struct store_verify_result r;
	struct err *err = NULL;
	struct record *rec;
	int reports = 0;

	put_record(s, "a", "ma", &a, 1);
	put_record(s, "b", "mb", &b, 1);
	put_record(s, "c", "mc", &c, 1);
	damage(pa, 1, "x");
	assert_int_equal(utimensat(AT_FDCWD, pa, times, 0), 0);
	unlink(pb);
	ok(store_verify(s, &(struct store_verify_opts){count_report, .arg = &reports}, &r, &err),
	   err);
	assert_int_equal(r.blobs, 2);
	assert_int_equal(r.bytes, 8);
	assert_int_equal(r.damaged, 1);
	assert_int_equal(r.missing, 2);
	assert_int_equal(reports, 3);
	assert_int_equal(look(s, "ma", arena, &rec), 1);
	assert_int_equal(look(s, "mb", arena, &rec), 1);
	assert_int_equal(look(s, "mc", arena, &rec), 0);
	ok(store_verify(s, &(struct store_verify_opts){0}, &r, &err), err);
	assert_int_equal(r.damaged + r.missing, 0);
	store_close(s);
}

static int stat_digest(struct store *s, const char *name, struct digest *ret)
{
	char *path cleanup_free = path_join(dir, name);
	int fd cleanup_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err *err cleanup_err = NULL;
	struct stat st;

	return store_stat_digest(s, fd, name, path, &st, ret, &err);
}

static void settle(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 150 * 1000000}, NULL);
}

/* Bytes that this process has read so far. */
static uint64_t bytes_read(void)
{
	struct str text cleanup_str = STR_INIT;
	struct err *err = NULL;
	unsigned long long n = 0;

	ok(file_read("/proc/self/io", 4096, &text, &err), err);
	assert_int_equal(sscanf(text.buf, "rchar: %llu", &n), 1);
	return n;
}

static void stat_cache_reads_a_settled_file_once(void **state)
{
	const size_t size = 8 << 20;
	char *text cleanup_free = xmalloc(size + 1);
	char *path cleanup_free = NULL;
	struct digest first, second;
	struct store *s = open_store();
	uint64_t before;

	memset(text, 'x', size);
	text[size] = 0;
	path = write_input("f", text);
	settle();
	before = bytes_read();
	assert_int_equal(stat_digest(s, "f", &first), 0);
	assert_true(bytes_read() - before >= size);
	store_close(s);
	s = open_store();
	before = bytes_read();
	assert_int_equal(stat_digest(s, "f", &second), 0);
	assert_true(bytes_read() - before < size);
	assert_true(digest_eq(&first, &second));
	store_close(s);
}

static void stat_cache_sees_every_change(void **state)
{
	char *path cleanup_free = write_input("f", "one");
	struct store *s = open_store();
	struct digest d, want;

	settle();
	assert_int_equal(stat_digest(s, "f", &d), 0);
	for (int i = 0; i < 200; i++) {
		char text[8];

		/* the same length, and as likely as not the same tick of the clock */
		snprintf(text, sizeof(text), "%03d", i);
		damage(path, 0, text);
		digest_data(text, 3, &want);
		assert_int_equal(stat_digest(s, "f", &d), 0);
		assert_true(digest_eq(&d, &want));
	}
	store_close(s);
}

static void stat_cache_refuses_what_is_no_file(void **state)
{
	struct store *s = open_store();
	char *link_path cleanup_free = path_join(dir, "l"),
			*fifo cleanup_free = path_join(dir, "p");
	struct digest d;

	assert_int_equal(symlink("/etc/passwd", link_path), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(stat_digest(s, "l", &d), -1);
	assert_int_equal(stat_digest(s, "p", &d), -1);
	assert_int_equal(stat_digest(s, "none", &d), -1);
	store_close(s);
}

static off_t log_size(void)
{
	char *path cleanup_free = path_join(where, "state.sqlite-wal");
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

/* A reader keeps the log, and is not waited for. */
static void the_log_is_folded_in_when_nobody_reads_it(void **state)
{
	char *path cleanup_free = path_join(where, "state.sqlite");
	struct arena *arena cleanup_arena = arena_new();
	struct store *s = open_store();
	struct artifact a = put_blob("x", "content");
	time_t began = time(NULL);
	struct record *rec;
	sqlite3 *reader;

	assert_int_equal(sqlite3_open(path, &reader), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM record", NULL, NULL, NULL),
		SQLITE_OK);
	put_record(s, "n", "manifest", &a, 1);
	store_fold_log(s);
	assert_true(time(NULL) - began < 30);
	assert_true(log_size() > 0);
	sqlite3_close(reader);
	store_fold_log(s);
	assert_int_equal(log_size(), 0);
	store_close(s);
	s = open_store();
	assert_int_equal(look(s, "manifest", arena, &rec), 0);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(record_survives_reopening),
		TEST(blobs_are_read_only_and_shared),
		TEST(outputs_that_are_no_plain_files_are_refused),
		TEST(hard_links_do_not_reach_the_store),
		TEST(images_are_named_by_their_chunks),
		TEST(damaged_blobs_are_misses_and_heal),
		TEST(touched_blobs_are_kept),
		TEST(a_damaged_blob_is_replaced_by_ingest),
		TEST(verify_finds_what_times_hide),
		TEST(stat_cache_reads_a_settled_file_once),
		TEST(stat_cache_sees_every_change),
		TEST(stat_cache_refuses_what_is_no_file),
		TEST(the_log_is_folded_in_when_nobody_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
