/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store under damage, death and company. */
#include "store-help.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static char *db_path(void)
{
	return path_join(where, "state.sqlite");
}

/* Writes the log back into the database file, so that damage to the file matters. */
static void fill(size_t records, struct artifact *a)
{
	struct store *s = open_store();

	*a = put_blob("x", "content");
	for (size_t i = 0; i < records; i++) {
		char *manifest cleanup_free = xasprintf("manifest %zu %0500d", i, 7);

		put_record(s, "n", manifest, a, 1);
	}
	store_close(s);
}

static size_t count_hits(struct store *s, size_t records)
{
	struct arena *arena cleanup_arena = arena_new();
	size_t n = 0;

	for (size_t i = 0; i < records; i++) {
		char *manifest cleanup_free = xasprintf("manifest %zu %0500d", i, 7);
		struct record *rec;
		char *why = NULL;

		if (look(s, manifest, arena, &rec) == 0) {
			assert_string_equal(rec->node, "n");
			assert_int_equal(rec->output_count, 1);
			assert_int_equal(check(s, rec, &why), 0);
			n++;
		}
	}
	return n;
}

/* S takes a record of A and opens again without a word; it is gone then. */
static void works_again(struct store *s, struct artifact *a)
{
	struct err *err = NULL;

	put_record(s, "n", "new", a, 1);
	store_close(s);
	s = open_store();
	assert_null(store_warning(s));
	store_close(s);
	ok(path_remove(where, &err), err);
}

static void no_database_is_replaced(void **state)
{
	char *db cleanup_free = db_path();
	static const char *const junk[] = {"", "garbage", "SQLite format 3", NULL, NULL};
	char *wal cleanup_free = xasprintf("%s-wal", db);

	for (size_t i = 0; i < array_len(junk); i++) {
		struct artifact a;
		struct store *s;
		struct err *err = NULL;

		fill(3, &a);
		if (junk[i])
			ok(file_write(db, junk[i], strlen(junk[i]), 0644, false, &err), err);
		else
			assert_int_equal(unlink(db), 0);
		if (i + 1 == array_len(junk)) /* before, a log without its database */
			assert_int_equal(unlink(wal), 0);
		s = open_store();
		assert_non_null(store_warning(s));
		assert_int_equal(count_hits(s, 3), 3); /* by their files */
		works_again(s, &a);
	}
}

/* Whichever table or column is lost, nothing is but what was in it alone. */
static void a_lost_table_is_made_again(void **state)
{
	static const char *const losses[] = {
		"DROP TABLE record",
		"DROP TABLE file",
		"DROP TABLE snapshot",
		"DROP TABLE project",
		"DROP TABLE project_node",
		"DROP TABLE run",
		"DROP TABLE run_node",
		"ALTER TABLE project RENAME COLUMN born TO birth",
		"DROP TABLE run; PRAGMA user_version = 1",
	};

	for (size_t i = 0; i < array_len(losses); i++) {
		struct arena *arena cleanup_arena = arena_new();
		struct run_info *runs;
		struct err *err = NULL;
		struct artifact a;
		struct store *s;
		int64_t run = 0;
		size_t count;

		fill(3, &a);
		sql(losses[i]);
		s = open_store();
		ok(store_enter(s, dir, "p", &err), err);
		assert_int_equal(count_hits(s, 3), 3);
		assert_non_null(store_warning(s));
		ok(store_run_begin(s, "t", &run, &err), err);
		ok(store_run_end(s, run, 1, 0, &err), err);
		ok(store_runs(s, arena, false, 0, &runs, &count, &err), err);
		assert_int_equal(count, 1);
		works_again(s, &a);
	}
}

/* A database says whose a directory is, when somebody removed the lock. */
static void a_lost_lock_is_made_again(void **state)
{
	char *lock cleanup_free = path_join(where, "lock"), *db cleanup_free = db_path();
	struct err *err cleanup_err = NULL;
	struct artifact a;
	struct store *s;

	fill(3, &a);
	assert_int_equal(unlink(lock), 0);
	s = open_store();
	assert_int_equal(count_hits(s, 3), 3);
	assert_true(path_exists(lock));
	store_close(s);
	assert_int_equal(unlink(lock) | unlink(db), 0);
	assert_int_equal(store_open(where, false, &s, &err), -1);
	assert_int_equal(err->code->cls, ERR_USER);
}

/* Truncated at every page: opens, serves every record, and works on. */
static void truncated_databases_serve_what_is_left(void **state)
{
	char *db cleanup_free = db_path(), *wal cleanup_free = xasprintf("%s-wal", db);
	struct str whole cleanup_str = STR_INIT;
	struct err *err = NULL;
	struct artifact a;

	fill(1200, &a); /* more than one checkpoint */
	unlink(wal);
	ok(file_read(db, 64 << 20, &whole, &err), err);
	assert_true(whole.len > 400 * 1000);
	for (size_t len = 4096 * 40 + 17; len < whole.len; len += 4096 * 40) {
		struct store *s;

		ok(file_write(db, whole.buf, len, 0644, false, &err), err);
		unlink(wal);
		s = open_store();
		assert_int_equal(count_hits(s, 1200), 1200);
		put_record(s, "n", "new", &a, 1);
		store_close(s);
		s = open_store();
		assert_null(store_warning(s));
		assert_int_equal(count_hits(s, 1200), 1200);
		store_close(s);
	}
}

static void flipped_bits_are_never_wrong_records(void **state)
{
	char *db cleanup_free = db_path();
	struct str whole cleanup_str = STR_INIT;
	struct err *err = NULL;
	struct artifact a;
	unsigned seed = 7;

	fill(1200, &a);
	ok(file_read(db, 64 << 20, &whole, &err), err);
	for (int i = 0; i < 60; i++) {
		struct str bad cleanup_str = STR_INIT;
		struct store *s = NULL;
		struct err *refused cleanup_err = NULL;

		str_append_len(&bad, whole.buf, whole.len);
		for (int j = 0; j < 20; j++)
			bad.buf[(size_t)rand_r(&seed) % bad.len] ^=
				(char)(1 << (rand_r(&seed) % 8));
		ok(file_write(db, bad.buf, bad.len, 0644, false, &err), err);
		/* A format number of the future is refused, all else is served. */
		if (store_open(where, false, &s, &refused) < 0) {
			assert_int_equal(refused->code->cls, ERR_STORE);
			continue;
		}
		assert_int_equal(count_hits(s, 1200), 1200);
		put_record(s, "n", "new", &a, 1);
		store_close(s);
	}
}

/* What was dropped does not come back with its file, and a file that is not whole is none. */
static void only_whole_files_of_records_count(void **state)
{
	char *db cleanup_free = db_path(), *wal cleanup_free = xasprintf("%s-wal", db);
	struct artifact gone = {0}, a;
	struct arena *arena cleanup_arena = arena_new();
	char *file cleanup_free = NULL, *blob cleanup_free = NULL;
	struct store_verify_result r;
	struct err *err = NULL;
	struct record *rec;
	struct digest key;
	struct store *s;

	fill(3, &a);
	s = open_store();
	gone = put_blob("y", "other");
	put_record(s, "m", "dropped", &gone, 1);
	put_record(s, "m", "torn", &a, 1);
	blob = cas_path(where, gone.type, &gone.digest);
	assert_int_equal(unlink(blob), 0);
	ok(store_verify(s, &(struct store_verify_opts){0}, &r, &err), err);
	assert_int_equal(r.missing, 1);
	store_close(s);
	key_of("torn", &key);
	file = cas_named_path(where, "records", &key, "");
	damage(file, 40, "?");
	assert_int_equal(unlink(db) + unlink(wal), 0);
	s = open_store();
	assert_int_equal(count_hits(s, 3), 3);
	assert_int_equal(look(s, "dropped", arena, &rec), 1);
	assert_int_equal(look(s, "torn", arena, &rec), 1);
	store_close(s);
}

static void two_processes_share_a_store(void **state)
{
	pid_t pids[4];
	struct store *s;

	for (size_t p = 0; p < array_len(pids); p++) {
		pids[p] = fork();
		if (pids[p] == 0) {
			struct err *err = NULL;
			struct store *mine;

			if (store_open(where, true, &mine, &err) < 0)
				_exit(1);
			for (int i = 0; i < 40; i++) {
				char *name cleanup_free = xasprintf("%s/w%zu", dir, p);
				char *text cleanup_free = xasprintf("%d", i);
				struct record rec = {
					.node = "n", .manifest = text, .output_count = 1};
				struct artifact a = {.name = "x"};

				digest_data(text, strlen(text), &rec.key);
				rec.outputs = &a;
				if (file_write(name, text, strlen(text), 0644, false, &err) < 0 ||
				    cas_ingest(where, name, OUTPUT_FILE, &a, NULL, &err) < 0 ||
				    store_record_put(mine, &rec, &err) < 0)
					_exit(2);
			}
			store_close(mine);
			_exit(0);
		}
	}
	for (size_t p = 0; p < array_len(pids); p++) {
		int status;

		assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
		assert_int_equal(status, 0);
	}
	s = open_store();
	for (int i = 0; i < 40; i++) {
		struct arena *arena cleanup_arena = arena_new();
		char *text cleanup_free = xasprintf("%d", i), *why = NULL;
		struct record *rec;

		assert_int_equal(look(s, text, arena, &rec), 0);
		assert_int_equal(check(s, rec, &why), 0);
	}
	store_close(s);
}

/* Kills a writer at many moments: every record that is there is whole, and nothing is left over. */
static void killed_writers_leave_a_valid_store(void **state)
{
	for (int round = 0; round < 25; round++) {
		struct store_verify_result r;
		struct err *err = NULL;
		struct store *s;
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			struct store *mine;

			if (store_open(where, true, &mine, &err) < 0)
				_exit(1);
			for (int i = 0;; i++) {
				char *job = NULL, *text = xasprintf("%d %d", round, i);
				struct artifact a = {.name = "x"};
				struct record rec = {.node = "n",
						     .manifest = text,
						     .outputs = &a,
						     .output_count = 1};
				char *file;

				if (tmp_dir(store_subdir(mine, "tmp"), "job", &job, &err) < 0)
					_exit(2);
				file = path_join(job, "f");
				digest_data(text, strlen(text), &rec.key);
				if (file_write(file, text, strlen(text), 0644, false, &err) < 0 ||
				    cas_ingest(where, file, OUTPUT_FILE, &a, NULL, &err) < 0 ||
				    store_record_put(mine, &rec, &err) < 0)
					_exit(3);
			}
		}
		nanosleep(&(struct timespec){.tv_nsec = round * 2000000}, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		s = open_store();
		assert_null(store_warning(s));
		ok(store_verify(s, &(struct store_verify_opts){0}, &r, &err), err);
		assert_int_equal(r.damaged + r.missing, 0);
		assert_int_equal(rmdir(store_subdir(s, "tmp")), 0); /* swept */
		store_close(s);
	}
}

static void locks_are_honoured(void **state)
{
	struct err *err cleanup_err = NULL;
	char *lock cleanup_free = path_join(where, "lock");
	struct store *s = open_store(), *second = NULL;
	int fd;

	ok(store_open(where, false, &second, &err), err); /* builds share */
	store_close(second);
	store_close(s);
	ok(lock_file(lock, LOCK_EXCLUSIVE, false, &fd, &err), err);
	assert_int_equal(store_open(where, false, &second, &err), -1);
	assert_int_equal(err->code->cls, ERR_LOCKED);
	close(fd);
}

/* The digest that the store gives for the file "f". */
static struct digest digest_of_file(void)
{
	struct store *s = open_store();
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = path_join(dir, "f");
	int dirfd cleanup_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct digest d;
	struct stat st;

	ok(store_stat_digest(s, dirfd, "f", path, &st, &d, &err), err);
	store_close(s);
	return d;
}

/* What is remembered of a file under a digest of another length is not believed. */
static void a_short_digest_is_not_taken(void **state)
{
	static const struct timespec not_racy = {.tv_nsec = 50 * 1000 * 1000};
	char *path cleanup_free = write_input("f", "content");
	struct digest before, after;

	nanosleep(&not_racy, NULL);
	before = digest_of_file();
	sql("UPDATE file SET digest = x'00'");
	after = digest_of_file();
	assert_memory_equal(before.b, after.b, DIGEST_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_database_is_replaced),
		TEST(a_lost_table_is_made_again),
		TEST(a_lost_lock_is_made_again),
		TEST(truncated_databases_serve_what_is_left),
		TEST(flipped_bits_are_never_wrong_records),
		TEST(a_short_digest_is_not_taken),
		TEST(only_whole_files_of_records_count),
		TEST(two_processes_share_a_store),
		TEST(killed_writers_leave_a_valid_store),
		TEST(locks_are_honoured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
