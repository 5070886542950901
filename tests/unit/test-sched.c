/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scheduler, its jobs and the worker, every path without a guest. See fake-graph.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "base/trace.h"
#include "fake-graph.h"

/* What the sink saw: one line per event that matters, and the most that ran at once. */
static struct {
	struct sink sink;
	struct str text;
	unsigned running, most;
	struct event estimated;
	int signal_on_start, signal_on_tick; /* sent to this process */
} seen;

static void on_event(struct sink *self, const struct event *ev)
{
	const char *name = ev->node ? ev->node->name : "";

	switch (ev->type) {
	case EVENT_ESTIMATE:
		seen.estimated = *ev;
		break;
	case EVENT_NODE_START:
		str_printf(&seen.text, "start %s\n", name);
		seen.most = ++seen.running > seen.most ? seen.running : seen.most;
		if (seen.signal_on_start)
			kill(getpid(), seen.signal_on_start);
		break;
	case EVENT_NODE_HIT:
		str_printf(&seen.text, "hit %s\n", name);
		break;
	case EVENT_NODE_BUILT:
		str_printf(&seen.text, "built %s\n", name);
		seen.running--;
		break;
	case EVENT_NODE_FAILED:
		str_printf(&seen.text, "failed %s: %s\n", name, ev->err->text);
		seen.running--;
		break;
	case EVENT_NODE_SKIPPED:
		str_printf(&seen.text, "skipped %s: %s\n", name, ev->text);
		break;
	case EVENT_WARNING:
		str_printf(&seen.text, "warning %s: %s\n", name, ev->text);
		break;
	case EVENT_TICK:
		if (seen.signal_on_tick)
			kill(getpid(), seen.signal_on_tick);
		break;
	default:
		break;
	}
}

static struct sched_opts options(void)
{
	str_clear(&seen.text);
	seen.running = seen.most = 0;
	seen.sink.event = on_event;
	return (struct sched_opts){2, 1000, .worker = "/proc/self/exe", .build = "test",
				   .sink = &seen.sink};
}

/* Runs the graph; the result's error is kept in *RET. */
static void run_with(const struct sched_opts *o, struct sched_result *ret)
{
	struct err *err = NULL;

	if (sched_run(&fake.graph, fake.store, o, ret, &err) < 0)
		fail_msg("sched_run: %s", err->text);
}

static void run(struct sched_result *ret)
{
	struct sched_opts o = options();

	run_with(&o, ret);
}

static void assert_seen(const char *part)
{
	if (!strstr(seen.text.buf, part))
		fail_msg("no '%s' in:\n%s", part, seen.text.buf);
}

static void assert_counts(const struct sched_result *r, size_t built, size_t cached, size_t failed,
			  size_t skipped)
{
	if (r->built != built || r->cached != cached || r->failed != failed ||
	    r->skipped != skipped)
		fail_msg("built %zu, cached %zu, failed %zu, skipped %zu:\n%s", r->built, r->cached,
			 r->failed, r->skipped, seen.text.buf);
}

/* No process and no temporary directory may be left. */
static void assert_clean(void)
{
	char *cmd cleanup_free = xasprintf("%s/store/tmp", fake.dir);

	assert_false(fake_daemon_alive());
	assert_int_equal(rmdir(cmd), 0);
	assert_int_equal(mkdir(cmd, 0755), 0);
}

static int setup(void **state)
{
	fake_open();
	return 0;
}

static int teardown(void **state)
{
	seen.signal_on_start = seen.signal_on_tick = 0;
	unsetenv("ORCH_SPAWN");
	fake_close();
	str_release(&seen.text);
	return 0;
}

static void builds_once(void **state)
{
	struct sched_result r;
	char *text cleanup_free = NULL, *ran cleanup_free = NULL, *again cleanup_free = NULL;
	char *left cleanup_free = NULL;
	char hex[DIGEST_HEX + 1];

	fake_chain();
	run(&r);
	assert_counts(&r, 3, 0, 0, 0);
	assert_null(r.first_error);
	text = fake_output(fake.graph.nodes.items[2]);
	assert_string_equal(text, "c:a:b:a:");
	ran = fake_ran();
	assert_string_equal(ran, "a\nb\nc\n");
	/* As an orch leaves it that is killed after its last record. */
	left = xasprintf("%s/%s", store_subdir(fake.store, "locks"),
			 digest_hex(&fake.graph.nodes.items[2]->key, hex));
	close(open(left, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	fake_chain();
	run(&r);
	assert_counts(&r, 0, 3, 0, 0);
	again = fake_ran();
	assert_string_equal(again, "");
	assert_false(path_exists(left));
	assert_clean();
}

static void equal_result_stops_there(void **state)
{
	struct sched_result r;

	fake_chain();
	run(&r);
	fake_chain();
	fake_opts_of(fake.graph.nodes.items[0])->secret =
		"other/key"; /* another key, the same bytes */
	run(&r);
	assert_counts(&r, 1, 2, 0, 0);
}

static void failure(void **state)
{
	struct sched_result r;
	struct sched_opts o = options();
	char *log cleanup_free = xasprintf("%s/store/failed/dir%%b/log", fake.dir);
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;

	o.keep_going = true;
	fake_node("dir/b", "fail", NULL);
	fake_node("c", "ok", "dir/b", NULL);
	fake_node("d", "ok", "c", NULL);
	fake_node("e", "ok", NULL);
	for (int round = 0; round < 2; round++) { /* the second replaces what the first left */
		run_with(&o, &r);
		assert_counts(&r, !round, round, 1, 2);
		assert_int_equal(r.first_error->code->cls, ERR_BUILD);
		assert_seen("failed dir/b: it failed\n");
		assert_seen("skipped c: input 'dir/b' failed\n");
		assert_seen("skipped d: input 'c' was skipped\n");
		err_free(r.first_error);
	}
	assert_int_equal(file_read(log, 4096, &text, &err), 0);
	assert_string_equal(text.buf, "doing 'fail'\nact fail\n");
	fake_new_graph();
	fake_node("dir/b", "ok", NULL); /* mended: its failure is no longer of interest */
	run_with(&o, &r);
	assert_counts(&r, 1, 0, 0, 0);
	assert_false(path_exists(log));
	assert_clean();
}

static void failure_stops_without_k(void **state)
{
	struct sched_result r;
	struct sched_opts o = options();

	o.jobs = 1;
	fake_node("a", "env", NULL);
	fake_node("z", "ok", NULL);
	run_with(&o, &r);
	assert_counts(&r, 0, 0, 1, 1);
	assert_int_equal(r.first_error->code->cls, ERR_ENV);
	assert_seen("skipped z: stopped after a failure\n");
	err_free(r.first_error);
}

/* One node that does ACT fails with CLASS and a text that contains PART; nothing is left. */
static void fails_with(const char *worker, const char *act, enum err_class cls, const char *part)
{
	struct sched_opts o = options();
	struct sched_result r;

	fake_new_graph();
	fake_opts_of(fake_node("n", act, NULL))->timeout = 1;
	o.worker = worker ? worker : o.worker;
	run_with(&o, &r);
	assert_counts(&r, 0, 0, 1, 0);
	if (r.first_error->code->cls != cls || !strstr(r.first_error->text, part))
		fail_msg("%s: %s", act, r.first_error->text);
	err_free(r.first_error);
	assert_clean();
}

static void bad_kinds(void **state)
{
	fails_with(NULL, "crash", ERR_BUILD, "was killed by SIGSEGV");
	fails_with(NULL, "missing", ERR_BUILD, "made no output 'out.txt'");
	fails_with(NULL, "link", ERR_BUILD, "not a plain file");
	fails_with(NULL, "hang", ERR_TIMEOUT, "not done after 1 s");
}

static void bad_workers(void **state)
{
	fails_with(FAKE_WORKER, "garbage", ERR_INTERNAL, "malformed");
	fails_with(FAKE_WORKER, "noresult", ERR_BUILD, "exited with 0 without a result");
	fails_with(FAKE_WORKER, "die", ERR_BUILD, "its log ends with 'about to die'");
	fails_with(FAKE_WORKER, "mute", ERR_TIMEOUT, "1 s");
	fails_with(FAKE_WORKER, "wrong", ERR_INTERNAL, "output 'other.txt' for 'out.txt'");
	fails_with(FAKE_WORKER, "twice", ERR_INTERNAL, "after RESULT");
	fails_with(FAKE_WORKER, "job", ERR_INTERNAL, "not its own");
}

static void deaf_worker_is_killed(void **state)
{
	struct sched_opts o = options();
	struct sched_result r;

	fake_opts_of(fake_node("n", "deaf", NULL))->timeout = 1;
	o.worker = FAKE_WORKER;
	run_with(&o, &r);
	assert_int_equal(r.first_error->code->cls, ERR_TIMEOUT);
	assert_true(r.wall_s >= 5 && r.wall_s < 20);
	err_free(r.first_error);
	assert_clean();
}

static void flooded_log_is_capped(void **state)
{
	struct sched_result r;
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	char *log cleanup_free = xasprintf("%s/store/failed/n/log", fake.dir);

	fake_node("n", "flood", NULL);
	run(&r);
	assert_string_equal(r.first_error->text, "flooded");
	err_free(r.first_error);
	assert_int_equal(file_read(log, 80u << 20, &text, &err), 0);
	assert_true(text.len < 65u << 20);
	assert_true(str_ends(text.buf, "the last words\n"));
}

static void daemon_cannot_change_the_output(void **state)
{
	struct sched_result r;
	char *text cleanup_free = NULL;

	fake_node("n", "daemon", NULL);
	run(&r);
	assert_counts(&r, 1, 0, 0, 0);
	assert_false(fake_daemon_alive());
	nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
	text = fake_output(fake.graph.nodes.items[0]);
	assert_string_equal(text, "n:");
	assert_clean();
}

static void hard_link_is_cut(void **state)
{
	struct sched_result r;
	char *text cleanup_free = NULL;

	fake_node("n", "hardlink", NULL);
	run(&r);
	assert_counts(&r, 1, 0, 0, 0);
	text = fake_output(fake.graph.nodes.items[0]);
	assert_string_equal(text, "hard");
}

static void in_every_spawn_mode(void **state)
{
	static const char *const modes[] = {"user", "plain"};
	struct sched_result r;

	for (size_t i = 0; i < array_len(modes); i++) {
		setenv("ORCH_SPAWN", modes[i], 1);
		fails_with(NULL, "hang", ERR_TIMEOUT, "1 s");
		fails_with(FAKE_WORKER, "garbage", ERR_INTERNAL, "malformed");
		fake_new_graph();
		fake_opts_of(fake_node("n", "daemon", NULL))->text = modes[i];
		fake_opts_of(fake_node("o", "outside", NULL))->text = modes[i];
		run(&r);
		assert_counts(&r, 2, 0, 0, 0);
		assert_clean();
	}
}

/* Only a user that names the signer as such learns where its key is. */
static void secrets_go_to_signers_only(void **state)
{
	struct sched_result r;
	struct node *user;
	char *own cleanup_free = NULL, *used cleanup_free = NULL, *other cleanup_free = NULL;

	fake_opts_of(fake_node("pki", "secret", NULL))->secret = "pki/private/signer.key";
	user = fake_node("bundle", "secret", "pki", NULL);
	user->in.items[0].signer = true;
	fake_node("image", "secret", "pki", NULL);
	run(&r);
	assert_counts(&r, 3, 0, 0, 0);
	own = fake_output(fake.graph.nodes.items[0]);
	used = fake_output(fake.graph.nodes.items[1]);
	other = fake_output(fake.graph.nodes.items[2]);
	assert_string_equal(own, "pki.secret=signer.key\nend\n");
	assert_string_equal(used, "pki.secret=signer.key\nend\n");
	assert_string_equal(other, "end\n");
}

static void changed_input_runs_again(void **state)
{
	struct sched_result r;
	char *ran cleanup_free = NULL;

	fake_node("a", "ok", NULL);
	fake.rechecks = 1;
	run(&r);
	assert_counts(&r, 1, 0, 0, 0);
	assert_seen("warning a: input 'src/main.c' changed while the node ran");
	ran = fake_ran();
	assert_string_equal(ran, "a\na\n");
	fake_new_graph();
	fake_node("b", "ok", NULL);
	fake.rechecks = 2;
	run(&r);
	assert_counts(&r, 0, 0, 1, 0);
	assert_non_null(strstr(r.first_error->text, "'src/main.c' keeps changing"));
	err_free(r.first_error);
	run(&r); /* nothing was recorded */
	assert_counts(&r, 1, 0, 0, 0);
}

static void lost_blob_is_built_again(void **state)
{
	struct sched_result r;
	char *path cleanup_free = NULL;

	fake_chain();
	run(&r);
	path = fake_output_path(fake.graph.nodes.items[1]);
	assert_int_equal(unlink(path), 0);
	fake_chain();
	run(&r);
	assert_counts(&r, 1, 2, 0, 0);
	assert_seen("building 'b' again");
}

/* A node that runs finds its input damaged: that is made again, and what used it, too. */
static void damaged_input_is_built_again(void **state)
{
	char *text cleanup_free = NULL;
	struct sched_result r;

	fake_chain();
	run(&r);
	fake_flip(fake.graph.nodes.items[0]);
	fake_chain();
	fake_opts_of(fake.graph.nodes.items[1])->secret = "other/key"; /* 'b' has another key */
	run(&r);
	assert_null(r.first_error);
	assert_seen("warning b: 'a:out.txt' (sha256:");
	text = fake_output(fake.graph.nodes.items[2]);
	assert_string_equal(text, "c:a:b:a:");
	assert_counts(&r, 3, 0, 0, 0); /* 'c' may have used the damaged one */
	assert_clean();
}

static void longest_path_first(void **state)
{
	struct sched_opts o = options();
	struct sched_result r;

	o.jobs = 1;
	fake_node("a", "ok", NULL)->critical = 1;
	fake_node("b", "ok", NULL)->critical = 9;
	fake_node("c", "ok", NULL)->critical = 5;
	run_with(&o, &r);
	assert_string_equal(seen.text.buf,
			    "start b\nbuilt b\nstart c\nbuilt c\nstart a\nbuilt a\n");
}

static void memory_is_shared(void **state)
{
	struct sched_result r;

	for (char name = 'a'; name < 'd'; name++)
		fake_opts_of(fake_node(arena_printf(fake.arena, "%c", name), "slow", NULL))
			->memory = 600;
	run(&r);
	assert_counts(&r, 3, 0, 0, 0);
	assert_int_equal(seen.most, 1);
	fake_new_graph();
	for (char name = 'e'; name < 'g'; name++)
		fake_opts_of(fake_node(arena_printf(fake.arena, "%c", name), "slow", NULL))
			->memory = 400;
	run(&r);
	assert_int_equal(seen.most, 2);
}

static void no_room(void **state)
{
	struct sched_opts o = options();
	struct sched_result r;
	struct err *err = NULL;
	struct artifact huge = {.name = "out.txt", .allocated = 1ull << 60};
	struct record rec = {.node = "a", .manifest = "m", .outputs = &huge, .output_count = 1};
	struct run_node last = {.node = "a", .status = "built"};
	int64_t id;

	digest_data("m", 1, &rec.key);
	last.key = rec.key;
	assert_int_equal(store_record_put(fake.store, &rec, &err), 0);
	assert_int_equal(store_enter(fake.store, fake.dir, "p", &err), 0);
	assert_int_equal(store_run_begin(fake.store, "a", &id, &err), 0);
	assert_int_equal(store_run_node(fake.store, id, &last, &err), 0);
	fake_node("a", "ok", NULL);
	assert_int_equal(sched_run(&fake.graph, fake.store, &o, &r, &err), -1);
	assert_int_equal(err->code->cls, ERR_RESOURCE);
	assert_non_null(strstr(err->text, "GiB free"));
	err_free(err);
}

static void signal_stops(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	for (size_t i = 0; i < array_len(signals); i++) {
		struct sched_result r;

		fake_new_graph();
		fake_node("n", "hang", NULL);
		fake_node("o", "ok", "n", NULL);
		seen.signal_on_start = signals[i];
		run(&r);
		assert_int_equal(r.signal, signals[i]);
		assert_counts(&r, 0, 0, 0, 2);
		assert_true(r.wall_s < 4);
		assert_clean();
	}
}

static void second_signal_kills(void **state)
{
	struct sched_opts o = options();
	struct sched_result r;

	fake_node("n", "deaf", NULL);
	o.worker = FAKE_WORKER;
	seen.signal_on_start = seen.signal_on_tick = SIGINT;
	run_with(&o, &r);
	assert_int_equal(r.signal, SIGINT);
	assert_true(r.wall_s < 4.5); /* the grace is 5 s */
	assert_clean();
}

/* A second orch: a child with a store handle of its own, which builds the same graph. */
static pid_t other_orch(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct sched_opts o = options();
		struct sched_result r;
		struct err *err = NULL;
		struct store *s;

		o.sink = NULL;
		if (store_open(store_dir(fake.store), true, &s, &err) < 0 ||
		    sched_run(&fake.graph, s, &o, &r, &err) < 0)
			_exit(1);
		_exit(r.first_error || r.signal ? 2 : 0);
	}
	return pid;
}

static void two_orch_build_once(void **state)
{
	struct sched_result r;
	char *ran cleanup_free = NULL;
	pid_t pid;
	int status;

	fake_node("a", "slow", NULL);
	fake_node("b", "slow", NULL);
	fake_node("c", "slow", "a", "b", NULL);
	pid = other_orch();
	run(&r);
	assert_null(r.first_error);
	assert_int_equal(r.built + r.cached, 3);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	ran = fake_ran();
	assert_int_equal(strlen(ran), 6); /* each once, in whatever order */
}

/* SIGKILL to the orchestrator leaves no process, and the next run heals. */
static void killed_orch(void **state)
{
	static const char *const modes[] = {"", "user", "plain"};

	for (size_t i = 0; i < array_len(modes); i++) {
		struct sched_result r;
		pid_t pid;
		int n = 0;

		setenv("ORCH_SPAWN", modes[i], 1);
		fake_new_graph();
		fake_opts_of(fake_node("n", "hang", NULL))->timeout = 60;
		pid = other_orch();
		while (!fake_daemon_alive() && n++ < 3000)
			usleep(10000);
		assert_true(fake_daemon_alive());
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		for (n = 0; fake_daemon_alive() && n < 1000; n++)
			usleep(10000);
		assert_false(fake_daemon_alive());
		fake_opts_of(fake.graph.nodes.items[0])->act = "ok";
		fake_opts_of(fake.graph.nodes.items[0])->text = modes[i];
		run(&r);
		assert_counts(&r, 1, 0, 0, 0);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(builds_once, setup, teardown),
		cmocka_unit_test_setup_teardown(equal_result_stops_there, setup, teardown),
		cmocka_unit_test_setup_teardown(failure, setup, teardown),
		cmocka_unit_test_setup_teardown(failure_stops_without_k, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_workers, setup, teardown),
		cmocka_unit_test_setup_teardown(deaf_worker_is_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(flooded_log_is_capped, setup, teardown),
		cmocka_unit_test_setup_teardown(daemon_cannot_change_the_output, setup, teardown),
		cmocka_unit_test_setup_teardown(hard_link_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(in_every_spawn_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(secrets_go_to_signers_only, setup, teardown),
		cmocka_unit_test_setup_teardown(changed_input_runs_again, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_blob_is_built_again, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_input_is_built_again, setup, teardown),
		cmocka_unit_test_setup_teardown(longest_path_first, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_is_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(signal_stops, setup, teardown),
		cmocka_unit_test_setup_teardown(second_signal_kills, setup, teardown),
		cmocka_unit_test_setup_teardown(two_orch_build_once, setup, teardown),
		cmocka_unit_test_setup_teardown(killed_orch, setup, teardown),
	};

	if (argc > 1 && str_eq(argv[1], "worker"))
		return worker_main(fake_makers, "test");
	trace_init();
	signal(SIGHUP, SIG_DFL); /* under nohup it is ignored, and orch leaves that so */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
