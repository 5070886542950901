/* SPDX-License-Identifier: GPL-3.0-or-later */
/* History: whose it is, what a node had last, how long it took, what became of a run. */
#include "store-help.h"

#include <signal.h>
#include <sys/wait.h>

/* A directory of the test, with a project.yaml; caller frees. */
static char *make_project(const char *name)
{
	char *root = path_join(dir, name), *recipes cleanup_free = path_join(root, "recipes");
	char *file cleanup_free = path_join(recipes, "project.yaml");
	struct err *err = NULL;

	ok(path_mkdirs(recipes, &err), err);
	ok(file_write(file, "", 0, 0644, false, &err), err);
	return root;
}

static struct store *enter(const char *root, const char *name)
{
	struct store *s = open_store();
	struct err *err = NULL;

	ok(store_enter(s, root, name, &err), err);
	return s;
}

static int64_t begin(struct store *s)
{
	struct err *err = NULL;
	int64_t id = 0;

	ok(store_run_begin(s, "target", &id, &err), err);
	assert_true(id > 0);
	return id;
}

static void note(struct store *s, int64_t run, const char *node, const char *status,
		 const char *manifest, double seconds)
{
	struct run_node n = {.node = node, .status = status, .seconds = seconds};
	struct err *err = NULL;

	key_of(manifest, &n.key);
	ok(store_run_node(s, run, &n, &err), err);
}

static void end(struct store *s, int64_t run, int exit_code)
{
	struct err *err = NULL;

	ok(store_run_end(s, run, 7.5, exit_code, &err), err);
}

/* A run of the project in ROOT that built NODE with this manifest. */
static int64_t build(const char *root, const char *name, const char *node, const char *manifest,
		     double seconds)
{
	struct store *s = enter(root, name);
	struct artifact a = put_blob("x", manifest);
	int64_t run = begin(s);

	put_record(s, node, manifest, &a, 1);
	note(s, run, node, "built", manifest, seconds);
	end(s, run, 0);
	store_close(s);
	return run;
}

/* "" when the project never had a result of the node. */
static char *last_of(const char *root, const char *name, const char *node)
{
	struct arena *arena cleanup_arena = arena_new();
	struct store *s = enter(root, name);
	struct err *err = NULL;
	struct record *rec;
	int rc = store_record_last(s, node, arena, &rec, &err);
	char *manifest = xstrdup(rc == 0 ? rec->manifest : "");

	if (rc < 0)
		fail_msg("%s", err->text);
	store_close(s);
	return manifest;
}

static void assert_last(const char *root, const char *name, const char *node, const char *manifest)
{
	char *last cleanup_free = last_of(root, name, node);

	assert_string_equal(last, manifest);
}

static size_t runs_of(struct store *s, bool all, struct arena *arena, struct run_info **ret)
{
	struct err *err = NULL;
	size_t count;

	ok(store_runs(s, arena, all, 0, ret, &count, &err), err);
	return count;
}

static size_t count_runs(const char *root, const char *name, bool all)
{
	struct arena *arena cleanup_arena = arena_new();
	struct store *s = enter(root, name);
	struct run_info *runs;
	size_t count = runs_of(s, all, arena, &runs);

	store_close(s);
	return count;
}

static void equal_node_names_are_different_nodes(void **state)
{
	char *a cleanup_free = make_project("a"), *b cleanup_free = make_project("b");

	build(a, "one", "base", "of a", 1);
	assert_last(b, "two", "base", "");
	build(b, "two", "base", "of b", 2);
	assert_last(a, "one", "base", "of a");
	assert_last(b, "two", "base", "of b");
	assert_int_equal(count_runs(a, "one", false), 1);
	assert_int_equal(count_runs(a, "one", true), 2);
}

static void clones_are_two_projects(void **state)
{
	char *a cleanup_free = make_project("a"), *b cleanup_free = make_project("b");

	build(a, "same", "base", "before", 1);
	build(b, "same", "base", "after", 1);
	assert_last(a, "same", "base", "before");
	assert_last(b, "same", "base", "after");
}

static void another_project_in_the_same_place_is_another(void **state)
{
	char *a cleanup_free = make_project("a");

	build(a, "old", "base", "of old", 1);
	assert_last(a, "new", "base", "");
	assert_last(a, "old", "base", "of old");
	/* whose project.yaml cannot be read: the one used last */
	assert_last(a, NULL, "base", "of old");
}

static void a_moved_directory_keeps_its_history(void **state)
{
	char *a cleanup_free = make_project("a"), *b cleanup_free = path_join(dir, "b");
	char *before cleanup_free = NULL, *after cleanup_free = NULL;
	struct store *s;

	build(a, "p", "base", "first", 1);
	s = enter(a, "p");
	before = store_failed_path(s, "base");
	store_close(s);
	assert_int_equal(rename(a, b), 0);
	assert_last(b, "p", "base", "first");
	s = enter(b, "p");
	after = store_failed_path(s, "base");
	store_close(s);
	assert_string_equal(before, after);
	/* which takes its new place with its next run; what comes to the old one is another */
	build(b, "p", "base", "second", 1);
	free(make_project("a"));
	assert_last(a, "p", "base", "");
	build(a, "p", "base", "third", 1);
	assert_last(b, "p", "base", "second");
	assert_last(a, "p", "base", "third");
}

/* Nothing ran in its new place yet when another comes to the old one. */
static void what_comes_to_its_place_is_another(void **state)
{
	char *a cleanup_free = make_project("a"), *b cleanup_free = path_join(dir, "b");
	struct arena *arena cleanup_arena = arena_new();
	struct err *err = NULL;
	struct run_info *runs;
	struct duration d;
	struct store *s;

	build(a, "p", "base", "first", 1);
	assert_int_equal(rename(a, b), 0);
	free(make_project("a"));
	assert_last(a, "p", "base", "");
	assert_int_equal(count_runs(a, "p", false), 0);
	build(a, "p", "base", "second", 2);
	assert_last(b, "p", "base", "first");
	assert_last(a, "p", "base", "second");
	s = enter(b, "p");
	ok(store_duration(s, "base", &d, &err), err);
	assert_true(d.seconds == 1 && !d.root);
	assert_int_equal(runs_of(s, true, arena, &runs), 2);
	assert_string_equal(runs[0].root, a);
	assert_true(str_skip(runs[1].root, a) &&
		    str_skip(str_skip(runs[1].root, a), " (earlier, "));
	store_close(s);
	build(b, "p", "base", "third", 1); /* which says where it is */
	s = enter(b, "p");
	assert_int_equal(runs_of(s, false, arena, &runs), 2);
	assert_string_equal(runs[1].root, b);
	store_close(s);
}

static void two_that_change_places_keep_their_history(void **state)
{
	char *a cleanup_free = make_project("a"), *b cleanup_free = make_project("b"),
		*c cleanup_free = path_join(dir, "c");

	build(a, "p", "base", "of a", 1);
	build(b, "p", "base", "of b", 1);
	assert_int_equal(rename(a, c) || rename(b, a) || rename(c, b), 0);
	assert_last(a, "p", "base", "of b");
	assert_last(b, "p", "base", "of a");
	build(a, "p", "base", "of b, again", 1);
	assert_last(b, "p", "base", "of a");
	build(b, "p", "base", "of a, again", 1);
	assert_last(a, "p", "base", "of b, again");
	assert_int_equal(count_runs(a, "p", false), 2);
	assert_int_equal(count_runs(b, "p", false), 2);
}

/* A file system that tells no births gives the inode of what was removed to what comes next. */
static void without_births_the_path_counts(void **state)
{
	char *a cleanup_free = make_project("a"), *b cleanup_free = path_join(dir, "b"),
		*c cleanup_free = make_project("c");

	build(a, "p", "base", "of a", 1);
	sql("UPDATE project SET born = 0");
	assert_last(a, "p", "base", "of a");
	assert_int_equal(rename(a, b), 0);
	assert_last(b, "p", "base", "");
	assert_int_equal(rename(c, a), 0);
	assert_last(a, "p", "base", "of a");
}

/* The same inode and path are not the same directory; other numbers of devices may be. */
static void an_inode_may_be_used_again(void **state)
{
	char *a cleanup_free = make_project("a");

	build(a, "p", "base", "of a", 1);
	sql("UPDATE project SET dev = dev + 1");
	assert_last(a, "p", "base", "of a");
	sql("UPDATE project SET born = born - 1");
	assert_last(a, "p", "base", "");
}

static void paths_have_any_bytes(void **state)
{
	char *a cleanup_free = make_project("\xff\xfe '\"%;\n"),
		*b cleanup_free = make_project("\xff");
	struct arena *arena cleanup_arena = arena_new();
	struct run_info *runs;
	struct store *s;

	build(a, "p", "base", "first", 1);
	assert_last(a, "p", "base", "first");
	assert_last(b, "p", "base", "");
	s = enter(a, "p");
	assert_int_equal(runs_of(s, false, arena, &runs), 1);
	assert_string_equal(runs[0].root, a);
	assert_string_equal(runs[0].name, "p");
	store_close(s);
}

static void what_failed_is_kept_apart(void **state)
{
	char *a cleanup_free = make_project("a"), *b cleanup_free = make_project("b");
	struct store *s = enter(a, "p"), *t = enter(b, "p");
	char *first cleanup_free = NULL, *second cleanup_free = NULL, *again cleanup_free = NULL;

	begin(s);
	begin(t);
	first = store_failed_path(s, "base");
	second = store_failed_path(t, "base");
	assert_string_not_equal(first, second);
	store_close(s);
	store_close(t);
	s = enter(a, "p");
	again = store_failed_path(s, "base");
	assert_string_equal(first, again);
	store_close(s);
}

static struct node_past past_of(struct store *s, const char *node)
{
	struct node_past past;
	struct err *err = NULL;

	ok(store_node_past(s, node, &past, &err), err);
	return past;
}

static void a_hit_is_remembered_with_what_was_before(void **state)
{
	static const struct digest none;
	char *a cleanup_free = make_project("a"), *b cleanup_free = make_project("b");
	struct arena *arena cleanup_arena = arena_new();
	int64_t built = build(a, "p", "base", "1", 1), run, again;
	struct store *s = enter(b, "p");
	struct err *err = NULL;
	struct node_past past;
	struct run_info origin;
	struct digest key;

	run = begin(s);
	note(s, run, "base", "cached", "1", 0);
	end(s, run, 0);
	past = past_of(s, "base");
	key_of("1", &key);
	assert_true(digest_eq(&past.key, &key) && digest_eq(&past.previous, &none));
	assert_true(past.run == run && !past.built);
	ok(store_run_of_key(s, &key, arena, &origin, &err), err);
	assert_true(origin.id == built);
	assert_string_equal(origin.root, a);
	again = begin(s);
	note(s, again, "base", "built", "2", 1);
	note(s, again, "other", "failed", "3", 1);
	end(s, again, 1);
	past = past_of(s, "base");
	assert_true(digest_eq(&past.previous, &key) && past.run == again && past.built);
	assert_int_equal(store_node_past(s, "other", &past, &err), 1);
	/* the same result once more changes nothing */
	run = begin(s);
	note(s, run, "base", "built", "2", 1);
	end(s, run, 0);
	assert_true(past_of(s, "base").run == again);
	key_of("never", &key);
	assert_int_equal(store_run_of_key(s, &key, arena, &origin, &err), 1);
	store_close(s);
}

static void durations_come_from_another_checkout_at_most(void **state)
{
	char *a cleanup_free = make_project("a"), *b cleanup_free = make_project("b"),
		*c cleanup_free = make_project("c");
	struct err *err = NULL;
	struct duration d;
	struct store *s;

	build(a, "p", "base", "1", 10);
	build(c, "other", "base", "2", 1000);
	s = enter(b, "p");
	ok(store_duration(s, "base", &d, &err), err);
	assert_true(d.seconds == 10);
	assert_string_equal(d.root, a);
	assert_int_equal(store_duration(s, "none", &d, &err), 1);
	store_close(s);
	build(b, "p", "base", "3", 30);
	build(b, "p", "base", "4", 50);
	s = enter(b, "p");
	ok(store_duration(s, "base", &d, &err), err);
	assert_true(d.seconds == 40 && !d.root);
	store_close(s);
	s = enter(a, "p");
	ok(store_duration(s, "base", &d, &err), err);
	assert_true(d.seconds == 10 && !d.root);
	store_close(s);
}

static void runs_list_their_nodes(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	char *a cleanup_free = make_project("a");
	struct store *s = enter(a, "p");
	char *log cleanup_free = write_input("log", "line\n"), *kept cleanup_free = NULL;
	struct run_node built = {.node = "n", .status = "built", .seconds = 3},
			failed = {.node = "o", .status = "failed", .error = "step 1: exit 3"};
	struct err *err = NULL;
	struct run_info *runs;
	struct run_node *nodes;
	size_t count;
	int64_t id;

	ok(store_log_put(s, log, &built.log, &err), err);
	kept = store_log_path(s, &built.log);
	assert_true(path_exists(kept) && !path_exists(log));
	id = begin(s);
	ok(store_run_node(s, id, &built, &err), err);
	ok(store_run_node(s, id, &failed, &err), err);
	end(s, id, 1);
	assert_int_equal(runs_of(s, false, arena, &runs), 1);
	assert_true(runs[0].state == RUN_ENDED && runs[0].exit_code == 1 && runs[0].wall_s == 7.5);
	assert_string_equal(runs[0].targets, "target");
	ok(store_run_nodes(s, id, arena, &nodes, &count, &err), err);
	assert_int_equal(count, 2);
	assert_true(digest_eq(&nodes[0].log, &built.log));
	assert_null(nodes[0].error);
	assert_string_equal(nodes[1].error, "step 1: exit 3");
	store_close(s);
}

/* Begins a run and waits to be killed. */
static pid_t start_run(const char *root)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *s = enter(root, "p");
		int64_t run = begin(s);

		note(s, run, "base", "built", "1", 1);
		(void)!write(ready[1], "", 1);
		pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void a_killed_run_says_so(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	char *a cleanup_free = make_project("a");
	pid_t pid = start_run(a);
	struct store *s = enter(a, "p");
	struct err *err = NULL;
	struct run_info *runs;
	struct run_node *nodes;
	size_t count;

	assert_int_equal(runs_of(s, false, arena, &runs), 1);
	assert_int_equal(runs[0].state, RUN_RUNNING);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(runs_of(s, false, arena, &runs), 1);
	assert_int_equal(runs[0].state, RUN_KILLED);
	ok(store_run_nodes(s, runs[0].id, arena, &nodes, &count, &err), err);
	assert_int_equal(count, 1);
	store_close(s);
}

static void each_project_keeps_its_newest_runs(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	char *a cleanup_free = make_project("a"), *b cleanup_free = make_project("b");
	struct run_info *runs;
	struct run_node *nodes;
	struct err *err = NULL;
	int64_t first = build(a, "p", "base", "1", 1);
	struct store *s;
	size_t count;

	build(b, "p", "base", "2", 1);
	s = enter(a, "p");
	for (int i = 0; i < 205; i++)
		end(s, begin(s), 0);
	assert_int_equal(runs_of(s, false, arena, &runs), 200);
	ok(store_run_nodes(s, first, arena, &nodes, &count, &err), err);
	assert_int_equal(count, 0);
	store_close(s);
	assert_int_equal(count_runs(b, "p", false), 1);
}

/* A database that lost its end, where other things lie, is replaced; history is taken along. */
static void a_rescue_keeps_what_can_be_read(void **state)
{
	char *a cleanup_free = make_project("a"), *db cleanup_free = NULL;
	struct err *err = NULL;
	struct duration d;
	struct stat st;
	struct store *s;

	build(a, "p", "base", "1", 10);
	build(a, "p", "base", "2", 10);
	sql("INSERT INTO snapshot VALUES('large', zeroblob(1000000));"
	    "PRAGMA wal_checkpoint(TRUNCATE)");
	db = path_join(where, "state.sqlite");
	assert_int_equal(stat(db, &st), 0);
	assert_int_equal(truncate(db, st.st_size - 8192), 0);
	s = enter(a, "p");
	assert_non_null(store_warning(s));
	ok(store_duration(s, "base", &d, &err), err);
	assert_true(d.seconds == 10 && !d.root);
	store_close(s);
	assert_last(a, "p", "base", "2");
	assert_int_equal(count_runs(a, "p", false), 2);
}

static void collect(void)
{
	const struct store_gc_opts opts = {.wait = STORE_GC_WAIT};
	struct store_gc_result result;
	struct store *s = open_store();
	struct err *err = NULL;

	ok(store_gc(s, &opts, &result, &err), err);
	store_close(s);
}

static void gc_forgets_projects_that_are_long_gone(void **state)
{
	char *a cleanup_free = make_project("a"), *b cleanup_free = make_project("b");
	struct err *err = NULL;

	build(a, "p", "base", "1", 1);
	build(b, "q", "base", "2", 1);
	ok(path_remove(a, &err), err);
	collect();
	assert_int_equal(count_runs(a, "p", false), 1); /* it may come back */
	sql("UPDATE project SET used = 1");
	collect();
	assert_int_equal(count_runs(a, "p", false), 0);
	assert_int_equal(count_runs(b, "q", true), 1);
	assert_last(a, "p", "base", "");
	assert_last(b, "q", "base", "2");
}

static void without_a_project_runs_are_nobodys(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	char *a cleanup_free = make_project("a");
	struct store *s = open_store();
	struct node_past past;
	struct err *err = NULL;
	struct run_info *runs;
	int64_t run = begin(s);

	note(s, run, "base", "built", "1", 1);
	end(s, run, 0);
	assert_int_equal(store_node_past(s, "base", &past, &err), 1);
	assert_int_equal(runs_of(s, false, arena, &runs), 1);
	assert_null(runs[0].root);
	store_close(s);
	assert_int_equal(count_runs(a, "p", false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(equal_node_names_are_different_nodes),
		TEST(clones_are_two_projects),
		TEST(another_project_in_the_same_place_is_another),
		TEST(a_moved_directory_keeps_its_history),
		TEST(what_comes_to_its_place_is_another),
		TEST(two_that_change_places_keep_their_history),
		TEST(without_births_the_path_counts),
		TEST(an_inode_may_be_used_again),
		TEST(paths_have_any_bytes),
		TEST(what_failed_is_kept_apart),
		TEST(a_hit_is_remembered_with_what_was_before),
		TEST(durations_come_from_another_checkout_at_most),
		TEST(runs_list_their_nodes),
		TEST(a_killed_run_says_so),
		TEST(each_project_keeps_its_newest_runs),
		TEST(gc_forgets_projects_that_are_long_gone),
		TEST(without_a_project_runs_are_nobodys),
		TEST(a_rescue_keeps_what_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
