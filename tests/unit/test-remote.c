/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scheduler and its helper with a shared cache that fails in every way: see fake-share.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/trace.h"
#include "fake-graph.h"
#include "fake-share.h"
#include "remote/helper.h"

static struct {
	struct sink sink;
	struct str text;
	unsigned warnings;
	unsigned busy_at; /* the node that is this hit keeps the scheduler busy; 0: none does */
} seen;

static void on_event(struct sink *self, const struct event *ev)
{
	const char *name = ev->node ? ev->node->name : "";

	if (ev->type == EVENT_NODE_HIT)
		str_printf(&seen.text, "hit %s%s\n", name, ev->shared ? " shared" : "");
	else if (ev->type == EVENT_NODE_BUILT)
		str_printf(&seen.text, "built %s\n", name);
	else if (ev->type == EVENT_NODE_FAILED)
		str_printf(&seen.text, "failed %s: %s\n", name, ev->err->text);
	else if (ev->type == EVENT_WARNING)
		str_printf(&seen.text, "warning %s: %s\n", name, ev->text);
	else if (ev->type == EVENT_TRANSFER && ev->done)
		str_printf(&seen.text, "%s %s\n", ev->up ? "pushed" : "fetched", name);
	seen.warnings += ev->type == EVENT_WARNING;
	if (ev->type == EVENT_NODE_HIT && seen.busy_at && !--seen.busy_at)
		sleep(5);
}

static void assert_seen(const char *part)
{
	if (!strstr(seen.text.buf, part))
		fail_msg("no '%s' in:\n%s", part, seen.text.buf);
}

static struct remote_use reads(void)
{
	return (struct remote_use){.cache = true, .push_wait_s = 60};
}

static struct remote_use writes(void)
{
	return (struct remote_use){.cache = true, .write = true, .push_wait_s = 60};
}

/* "a", "b" made of it, and "c", the target, made of both. */
static void chain(void)
{
	fake_chain();
	fake.graph.nodes.items[2]->target = true;
}

static int run_with(const struct remote_use *use, struct sched_result *ret, struct err **err)
{
	struct sched_opts o = {2, 1000, .worker = "/proc/self/exe", .build = "test"};

	str_clear(&seen.text);
	seen.warnings = 0;
	seen.sink.event = on_event;
	o.sink = &seen.sink;
	o.remote = use;
	return sched_run(&fake.graph, fake.store, &o, ret, err);
}

static void run(struct remote_use use, struct sched_result *ret)
{
	struct err *err cleanup_err = NULL;

	if (run_with(&use, ret, &err) < 0)
		fail_msg("sched_run: %s", err->text);
}

static void assert_counts(const struct sched_result *r, size_t built, size_t cached)
{
	if (r->built != built || r->cached != cached || r->failed || r->skipped)
		fail_msg("built %zu, cached %zu, failed %zu, skipped %zu:\n%s", r->built, r->cached,
			 r->failed, r->skipped, seen.text.buf);
}

static void assert_output(void)
{
	char *text cleanup_free = fake_output(fake.graph.nodes.items[2]);

	assert_string_equal(text, "c:a:b:a:");
}

static bool is_here(size_t node)
{
	return store_blob_is_here(fake.store, fake.graph.nodes.items[node]->record->outputs);
}

/* The same project on a machine whose store is empty. */
static void other_machine(void)
{
	fake_close();
	fake_open();
	chain();
}

static int setup(void **state)
{
	fake_share_open();
	fake_open();
	chain();
	return 0;
}

static int teardown(void **state)
{
	fake_close();
	fake_share_close();
	str_release(&seen.text);
	return 0;
}

/* What the cache has of the chain, built elsewhere. */
static void warm_up(void)
{
	struct sched_result r;

	run(writes(), &r);
	assert_counts(&r, 3, 0);
	assert_int_equal(r.remote.pushed, 3);
	assert_int_equal(r.remote.left, 0);
	other_machine();
}

static void only_the_target_moves(void **state)
{
	struct sched_result r;
	char *ran cleanup_free = NULL;

	warm_up();
	fake_share_fault(NULL);
	run(reads(), &r);
	assert_counts(&r, 0, 3);
	assert_int_equal(r.remote.hits, 3);
	assert_int_equal(r.remote.fetched, 1);
	assert_int_equal(fake_share_calls('f'), 1);
	assert_seen("hit c shared\nfetched c\n");
	assert_output();
	assert_false(is_here(0));
	assert_false(is_here(1));
	ran = fake_ran();
	assert_string_equal(ran, "");
}

static void nobody_is_asked_for_what_is_here(void **state)
{
	struct sched_result r;

	warm_up();
	run(reads(), &r);
	fake_share_fault("a0 crash");
	chain();
	run(writes(), &r);
	assert_counts(&r, 0, 3);
	assert_int_equal(r.remote.hits, 0);
	assert_int_equal(fake_share_calls('a'), 0);
	assert_int_equal(seen.warnings, 0);
}

static void what_runs_gets_its_inputs(void **state)
{
	struct sched_result r;

	warm_up();
	fake_opts_of(fake.graph.nodes.items[2])->act = "secret"; /* another key */
	run(reads(), &r);
	assert_counts(&r, 1, 2);
	assert_true(is_here(0) && is_here(1));
	assert_int_equal(r.remote.fetched, 2);
}

static void all_or_nothing(void **state)
{
	struct remote_use use = reads();
	struct sched_result r;

	warm_up();
	use.fetch = FETCH_NONE;
	run(use, &r);
	assert_counts(&r, 0, 3);
	assert_false(is_here(0) || is_here(1) || is_here(2));
	chain();
	use.fetch = FETCH_ALL;
	run(use, &r);
	assert_counts(&r, 0, 3);
	assert_true(is_here(0) && is_here(1) && is_here(2));
}

/* Bytes that nobody has are made here, and what is needed for that. */
static void evicted(void **state)
{
	struct sched_result r;

	warm_up();
	fake_share_evict("cas");
	run(reads(), &r);
	assert_counts(&r, 3, 0);
	assert_seen("warning c: cannot fetch output 'out.txt' of 'c': it was evicted");
	assert_output();
	chain();
	run(reads(), &r);
	assert_counts(&r, 0, 3);
	assert_int_equal(seen.warnings, 0);
}

/* Records that came while the cache was there serve without it, too. */
static void cache_goes_away(void **state)
{
	struct remote_use use = reads();
	struct sched_result r;
	struct err *err cleanup_err = NULL;

	warm_up();
	use.fetch = FETCH_NONE;
	run(use, &r);
	chain();
	assert_int_equal(run_with(NULL, &r, &err), 0);
	assert_counts(&r, 3, 0);
	assert_output();
}

static void other_bytes_are_followed(void **state)
{
	char *text cleanup_free = NULL, *other cleanup_free = NULL;
	struct sched_result r;

	fake_opts_of(fake.graph.nodes.items[0])->act = "drift";
	run(writes(), &r);
	assert_counts(&r, 3, 0);
	other_machine();
	fake_opts_of(fake.graph.nodes.items[0])->act = "drift";
	fake_share_evict("cas");
	other = xasprintf("%s/ran.other", fake.dir);
	assert_int_equal(mkdir(other, 0755), 0);
	run(reads(), &r);
	assert_counts(&r, 3, 0);
	assert_seen("warning a: 'a' is not reproducible");
	text = fake_output(fake.graph.nodes.items[2]);
	assert_string_equal(text, "c:a:!b:a:!");
}

static void one_fault(const char *fault)
{
	struct sched_result r;
	uint64_t began = clock_ms();

	other_machine();
	fake_share_fault(fault);
	run(reads(), &r);
	if (r.built + r.cached != 3 || r.failed || r.skipped)
		fail_msg("%s: %s", fault, seen.text.buf);
	assert_output();
	if (seen.warnings > 3 || clock_ms() - began > 60000)
		fail_msg("%s: %s", fault, seen.text.buf);
}

/* Whatever fails at whichever call: the build is done, and says so in few words. */
static void every_call_fails(void **state)
{
	static const char *const how[] = {"unreachable", "refused", "lost", "crash", "full"};

	warm_up();
	for (size_t i = 0; i < array_len(how); i++) {
		char *all cleanup_free = xasprintf("a0 %s", how[i]);
		char *second cleanup_free = xasprintf("a2 %s", how[i]);
		char *fetch cleanup_free = xasprintf("f0 %s", how[i]);

		one_fault(all);
		one_fault(second);
		one_fault(fetch);
	}
}

static void silence_is_not_waited_for(void **state)
{
	struct sched_result r;
	uint64_t began;

	warm_up();
	fake_share_fault("a0 hang");
	began = clock_ms();
	run(reads(), &r);
	assert_counts(&r, 3, 0);
	assert_true(clock_ms() - began < 40000);
	assert_output();
}

/* A fresh clone hashes large trees before it looks for answers. */
static void work_is_no_silence(void **state)
{
	struct sched_result r;

	warm_up();
	for (int i = 0; i < 2; i++) {
		fake_new_graph();
		fake_node("x", "ok", NULL);
		if (i)
			fake_node("a", "ok", NULL);
		fake_node("y", "ok", NULL);
		seen.busy_at = i ? 2 : 0;
		run(reads(), &r);
		assert_counts(&r, i ? 0 : 2, i ? 3 : 0);
	}
	assert_seen("hit a shared\n");
}

static void writing_fails(void **state)
{
	static const char *const faults[] = {"p0 unreachable", "p1 refused", "p2 crash", "p2 full"};
	struct sched_result r;

	for (size_t i = 0; i < array_len(faults); i++) {
		other_machine();
		fake_share_fault(faults[i]);
		run(writes(), &r);
		assert_counts(&r, 3, 0);
		assert_output();
		assert_true(seen.warnings >= 1 && seen.warnings <= 3);
		fake_share_close();
		fake_share_open();
	}
}

static void slow_writing_is_given_up(void **state)
{
	struct remote_use use = writes();
	struct sched_result r;

	fake_share_fault("p2 hang");
	use.push_wait_s = 1;
	run(use, &r);
	assert_counts(&r, 3, 0);
	assert_int_equal(r.remote.left, 1);
	assert_seen("1 result was not written to the cache");
}

static void required(void **state)
{
	struct remote_use use = reads();
	struct sched_result r;
	struct err *err cleanup_err = NULL;

	use.required = true;
	fake_share_fault("a0 unreachable");
	assert_int_equal(run_with(&use, &r, &err), -1);
	assert_ptr_equal(err->code, E_REMOTE_UNREACHABLE);
	err_free(steal_ptr(err));
	fake_share_fault(NULL);
	chain();
	assert_int_equal(run_with(&use, &r, &err), 0);
	assert_counts(&r, 3, 0);
}

/* A level of many nodes costs about as many questions and no more. */
static void a_wide_level(void **state)
{
	static char names[10000][16];
	const char *count = getenv("REMOTE_NODES");
	size_t n = count ? strtoul(count, NULL, 10) : 500;
	struct remote_use use = reads();
	struct sched_result r;
	uint64_t began;

	fake_new_graph();
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "n%zu", i);
		fake_node(names[i], "fail", NULL);
	}
	use.fetch = FETCH_NONE;
	fake_share_fault("a0 lost");
	began = clock_ms();
	run(use, &r);
	assert_true(r.failed >= 1);
	err_free(r.first_error);
	print_message("# %zu questions in %u ms\n", n, (unsigned)(clock_ms() - began));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_the_target_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_is_asked_for_what_is_here, setup, teardown),
		cmocka_unit_test_setup_teardown(what_runs_gets_its_inputs, setup, teardown),
		cmocka_unit_test_setup_teardown(all_or_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(evicted, setup, teardown),
		cmocka_unit_test_setup_teardown(cache_goes_away, setup, teardown),
		cmocka_unit_test_setup_teardown(other_bytes_are_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(every_call_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(silence_is_not_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(work_is_no_silence, setup, teardown),
		cmocka_unit_test_setup_teardown(writing_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_writing_is_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(required, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wide_level, setup, teardown),
	};
	const struct remote_config none = {0};

	if (argc > 1 && str_eq(argv[1], "worker"))
		return worker_main(fake_makers, "test");
	if (argc > 1 && str_eq(argv[1], "remote"))
		return helper_serve(&none, argv[3], argv[2]);
	trace_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
