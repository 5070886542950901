/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Worker programs that cannot be used, or end. See fake-graph.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>

#include "base/file.h"
#include "base/trace.h"
#include "fake-graph.h"

static void kill_spawner(void)
{
	char path[64], name[32];
	FILE *children cleanup_file = NULL;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	children = fopen(path, "re");
	assert_non_null(children);
	while (fscanf(children, "%d", &pid) == 1) {
		FILE *comm cleanup_file = NULL;

		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		comm = fopen(path, "re");
		if (comm && fscanf(comm, "%31s", name) == 1 && str_eq(name, "orch-spawner")) {
			kill(pid, SIGKILL);
			return;
		}
	}
	fail_msg("there is no spawner");
}

/* After each node: the next one finds no spawner. */
static void on_event(struct sink *self, const struct event *ev)
{
	if (ev->type == EVENT_NODE_BUILT)
		kill_spawner();
}

static struct sched_opts options(struct sink *sink)
{
	return (struct sched_opts){.jobs = 1,
				   .memory_mb = 1000,
				   .worker = "/proc/self/exe",
				   .build = "test",
				   .sink = sink};
}

static int setup(void **state)
{
	fake_open();
	return 0;
}

static int teardown(void **state)
{
	fake_close();
	return 0;
}

/* Nothing runs with this program, and PART says why. */
static void refuses(const char *worker, const char *build, const char *part)
{
	struct sched_opts o = options(NULL);
	struct err *err cleanup_err = NULL;
	struct sched_result r;

	fake_new_graph();
	fake_node("n", "ok", NULL);
	o.worker = worker;
	o.build = build;
	assert_int_equal(sched_run(&fake.graph, fake.store, &o, &r, &err), -1);
	assert_int_equal(r.built + r.failed, 0);
	if (err->code->cls != ERR_ENV || !strstr(err->text, part))
		fail_msg("%s: %s", worker, err->text);
}

static void bad_programs(void **state)
{
	refuses("/nonexistent/orch-worker", "test", "cannot start the worker program");
	refuses("/proc/self/exe", "other", "is of another build than this orch");
	refuses("/bin/false", "test", "does not start: it exited with 1");
}

static void killed_spawner_is_started_again(void **state)
{
	struct sink sink = {.event = on_event};
	struct sched_opts o = options(&sink);
	struct err *err cleanup_err = NULL;
	struct sched_result r;

	fake_chain();
	assert_int_equal(sched_run(&fake.graph, fake.store, &o, &r, &err), 0);
	assert_null(r.first_error);
	assert_int_equal(r.built, 3);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bad_programs, setup, teardown),
		cmocka_unit_test_setup_teardown(killed_spawner_is_started_again, setup, teardown),
	};

	if (argc > 1 && str_eq(argv[1], "worker"))
		return worker_main(fake_makers, "test");
	trace_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
