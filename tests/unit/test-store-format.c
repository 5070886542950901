/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Databases of other formats: older ones are brought up to date, newer ones left alone. */
#include "store-help.h"

#include <sys/wait.h>

#define CROWD 8

static int number(const char *query)
{
	char *path cleanup_free = path_join(where, "state.sqlite");
	sqlite3_stmt *q;
	sqlite3 *db;
	int n;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, query, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	n = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return n;
}

static void fill(void)
{
	struct store *s = open_store();
	struct artifact a = put_blob("x", "content");

	put_record(s, "n", "manifest", &a, 1);
	store_close(s);
}

/* As the first release made it. */
static void make_format_1(void)
{
	fill();
	sql("DROP TABLE snapshot; PRAGMA user_version = 1");
}

static void use_store(void)
{
	struct arena *arena cleanup_arena = arena_new();
	struct str data cleanup_str = STR_INIT, back cleanup_str = STR_INIT;
	struct store *s = open_store();
	struct err *err = NULL;
	struct record *rec;

	assert_null(store_warning(s));
	assert_int_equal(look(s, "manifest", arena, &rec), 0);
	assert_string_equal(rec->node, "n");
	str_append(&data, "what was seen");
	ok(store_note_put(s, "name", &data, &err), err);
	ok(store_note_get(s, "name", &back, &err), err);
	assert_string_equal(back.buf, data.buf);
	store_close(s);
}

static void format_1_is_brought_up_to_date(void **state)
{
	int format;

	fill();
	format = number("PRAGMA user_version");
	assert_true(format > 1);
	sql("DROP TABLE snapshot; PRAGMA user_version = 1");
	use_store();
	assert_int_equal(number("PRAGMA user_version"), format);
	assert_int_equal(number("SELECT count(*) FROM record"), 1);
}

/* There was a time when the table came without a new number. */
static void format_1_with_the_table_keeps_it(void **state)
{
	fill();
	sql("INSERT INTO snapshot VALUES('used/00', x'31'); PRAGMA user_version = 1");
	use_store();
	assert_int_equal(number("SELECT count(*) FROM snapshot"), 2);
}

/* As the release before projects were told apart made it, with one run. */
static void make_format_2(void)
{
	fill();
	sql("DROP TABLE project; DROP TABLE project_node; DROP TABLE run; DROP INDEX run_node_key;"
	    "CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT, started_at INTEGER NOT NULL,"
	    " targets TEXT NOT NULL, wall_s REAL, exit_code INTEGER) STRICT;"
	    "CREATE TABLE duration(node TEXT PRIMARY KEY, seconds REAL NOT NULL,"
	    " count INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	    "CREATE INDEX record_node ON record(node, id);"
	    "INSERT INTO duration VALUES('n', 3.5, 1);"
	    "INSERT INTO run VALUES(7, 1700000000, 'all', 2.5, 1);"
	    "INSERT INTO run_node VALUES(1, 7, 'n', 'built', x'00', 2.5, x'00', NULL);"
	    "INSERT INTO snapshot VALUES('/p', x'00'), ('used/00', x'31');"
	    "PRAGMA user_version = 2");
}

static void format_2_keeps_records_and_runs(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct run_info *runs;
	struct run_node *nodes;
	struct err *err = NULL;
	struct store *s;
	size_t count;
	int64_t id;

	make_format_2();
	use_store();
	assert_int_equal(number("PRAGMA user_version"), 3);
	assert_int_equal(number("SELECT count(*) FROM snapshot WHERE name = '/p'"), 0);
	assert_int_equal(number("SELECT count(*) FROM snapshot WHERE name = 'used/00'"), 1);
	s = open_store();
	ok(store_runs(s, arena, true, 0, &runs, &count, &err), err);
	assert_int_equal(count, 1);
	assert_true(runs[0].id == 7 && runs[0].exit_code == 1 && runs[0].state == RUN_ENDED);
	assert_null(runs[0].root);
	ok(store_run_nodes(s, 7, arena, &nodes, &count, &err), err);
	assert_int_equal(count, 1);
	ok(store_run_begin(s, "", &id, &err), err);
	assert_int_equal(id, 8);
	store_close(s);
}

static void many_at_once_agree(void **state)
{
	make_format_1();
	for (int i = 0; i < CROWD; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			struct err *err = NULL;
			struct store *s = NULL;

			_exit(store_open(where, true, &s, &err) == 0 && !store_warning(s) ? 0 : 1);
		}
	}
	for (int i = 0; i < CROWD; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	use_store();
}

static void newer_is_refused_and_left_alone(void **state)
{
	struct store *s = NULL;
	struct err *err cleanup_err = NULL;

	fill();
	sql("PRAGMA user_version = 99");
	assert_int_equal(store_open(where, false, &s, &err), -1);
	assert_int_equal(err->code->cls, ERR_STORE);
	assert_non_null(strstr(err->text, "newer orch (format 99"));
	assert_int_equal(number("PRAGMA user_version"), 99);
	assert_int_equal(number("SELECT count(*) FROM record"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(format_1_is_brought_up_to_date),  TEST(format_1_with_the_table_keeps_it),
		TEST(format_2_keeps_records_and_runs), TEST(many_at_once_agree),
		TEST(newer_is_refused_and_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
