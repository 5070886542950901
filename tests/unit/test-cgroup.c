/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Control groups in a directory of files. What a kernel does to it, mkdir() and rmdir() do here:
 * this program's own take the place of the C library's.
 */
#include "media.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine/sandbox/cgroup.h"

static bool is_group(const char *path)
{
	return strstr(path, "/orch-") != NULL;
}

static const char *const files[] = {"cgroup.procs",     "cgroup.kill", "memory.max",
				    "memory.swap.max",  "pids.max",    "memory.events",
				    "memory.oom.group", NULL};

int mkdir(const char *path, mode_t mode)
{
	if (syscall(SYS_mkdirat, AT_FDCWD, path, mode) < 0)
		return -1;
	for (size_t i = 0; is_group(path) && files[i]; i++) {
		char *file cleanup_free = path_join(path, files[i]);
		int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		assert_true(fd >= 0);
		close(fd);
	}
	return 0;
}

/* A group that holds a process is busy. */
int rmdir(const char *path)
{
	char *busy cleanup_free = path_join(path, "busy");

	if (is_group(path) && access(busy, F_OK) == 0) {
		errno = EBUSY;
		return -1;
	}
	for (size_t i = 0; is_group(path) && files[i]; i++) {
		char *file cleanup_free = path_join(path, files[i]);

		unlink(file);
	}
	if (syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR) == 0)
		return 0;
	if (is_group(path) && errno == ENOTEMPTY)
		errno = EBUSY;
	return -1;
}

static struct cgroup_hierarchy hierarchy;
static char *root, *self;
static char leaf[64], procs[64]; /* the line of a process of the run, a file of its group */

static char *text_of(const char *name)
{
	struct err *err cleanup_err = NULL;
	struct str s = STR_INIT;

	ok(file_read(at(name), 4096, &s, &err), &err);
	return str_steal(&s);
}

static void holds(const char *name, const char *text)
{
	char *got cleanup_free = text_of(name);

	assert_string_equal(got, text);
}

/* A group with all that is needed, and this process alone in it. */
static int set_up(void **state)
{
	char own[32];

	if (dir_setup(state) != 0)
		return -1;
	snprintf(own, sizeof(own), "%d\n", (int)getpid());
	put("h/a/b/cgroup.procs", own);
	put("h/a/b/cgroup.controllers", "cpuset cpu io memory pids\n");
	put("h/a/b/cgroup.subtree_control", "");
	put("self", "4:memory:/other\n0::/a/b\n");
	root = xstrdup(at("h"));
	self = xstrdup(at("self"));
	snprintf(leaf, sizeof(leaf), "0::/a/b/orch-run-%d\n", (int)getpid());
	snprintf(procs, sizeof(procs), "h/a/b/orch-run-%d/cgroup.procs", (int)getpid());
	hierarchy = (struct cgroup_hierarchy){root, self};
	return 0;
}

static int tear_down(void **state)
{
	free(root);
	free(self);
	return teardown(state);
}

static void not_delegated(const char *why)
{
	struct cgroup_run *r = cgroup_run_open(&hierarchy);

	if (r)
		fail_msg("%s: there is a group", why);
	assert_null(cgroup_new(&hierarchy, 1 << 20, 5));
	holds("h/a/b/cgroup.subtree_control", "");
}

static void a_run(void **state)
{
	struct cgroup_run *r = cgroup_run_open(&hierarchy);
	struct cgroup *g, *other;

	assert_non_null(r);
	holds("h/a/b/cgroup.subtree_control", "+memory +pids");
	holds(procs, "0");
	assert_null(cgroup_new(&hierarchy, 1 << 20, 5)); /* not within it */
	put("self", leaf);
	assert_null(cgroup_run_open(&hierarchy)); /* a run in a run is a part of it */
	g = cgroup_new(&hierarchy, 64 << 20, 77);
	assert_non_null(g);
	holds("h/a/b/orch-step-0/memory.max", "67108864");
	holds("h/a/b/orch-step-0/memory.swap.max", "0");
	holds("h/a/b/orch-step-0/memory.oom.group", "1");
	holds("h/a/b/orch-step-0/pids.max", "77");
	assert_true(cgroup_fd(g) >= 0);
	other = cgroup_new(&hierarchy, 1 << 20, 5);
	holds("h/a/b/orch-step-1/memory.max", "1048576");
	cgroup_free(g);
	assert_false(path_exists(at("h/a/b/orch-step-0")));
	cgroup_free(other);
	assert_false(path_exists(at("h/a/b/orch-step-1")));
	put("h/a/b/cgroup.procs", "");
	cgroup_run_close(r);
	holds("h/a/b/cgroup.subtree_control", "-memory -pids");
	holds("h/a/b/cgroup.procs", "0");
}

static void where_nothing_is_delegated(void **state)
{
	put("self", "4:memory:/a/b\n0::/\n");
	not_delegated("a hierarchy of version 1");
	put("self", "4:memory:/a/b\n");
	not_delegated("none at all");
	put("self", "0::/not/here\n");
	not_delegated("one that is not mounted here");
	put("self", "0::/a/b\n");
	put("h/a/b/cgroup.controllers", "cpuset cpu memory_x pids\n");
	not_delegated("without the memory controller");
	put("h/a/b/cgroup.controllers", "memory\n");
	not_delegated("without the pids controller");
	put("h/a/b/cgroup.controllers", "memory pids\n");
	put("h/a/b/cgroup.procs", "1\n");
	not_delegated("another process is there");
	put("h/a/b/cgroup.procs", "");
	not_delegated("nothing is there that we see");
}

static void what_the_kernel_ended(void **state)
{
	static const struct {
		const char *events;
		enum cgroup_killed killed;
	} cases[] = {
		{"low 0\nhigh 0\nmax 9\noom 0\noom_kill 0\noom_group_kill 0\n", CGROUP_NOT_KILLED},
		{"low 0\nhigh 0\nmax 9\noom 1\noom_kill 0\n", CGROUP_NOT_KILLED},
		{"low 0\nhigh 0\nmax 9\noom 1\noom_kill 3\n", CGROUP_KILLED_BY_LIMIT},
		{"low 0\nhigh 0\nmax 0\noom 0\noom_kill 3\n", CGROUP_KILLED_FOR_OTHERS},
		{"", CGROUP_NOT_KILLED},
	};
	struct cgroup *g;

	put("self", leaf);
	g = cgroup_new(&hierarchy, 1 << 20, 5);
	assert_non_null(g);
	for (size_t i = 0; i < array_len(cases); i++) {
		put("h/a/b/orch-step-0/memory.events", cases[i].events);
		assert_int_equal(cgroup_killed(g), cases[i].killed);
	}
	cgroup_free(g);
}

/* Of a run that was killed: its steps' groups, one of them with processes; its own. */
static void litter(void **state)
{
	struct cgroup_run *r;

	put("h/a/b/orch-step-0/in/cgroup.procs", "");
	put("h/a/b/orch-step-3/cgroup.kill", "");
	put("h/a/b/orch-run-99999999/cgroup.procs", "");
	put("h/a/b/orch-run-99999998/busy", ""); /* somebody lives there */
	r = cgroup_run_open(&hierarchy);
	assert_non_null(r);
	assert_false(path_exists(at("h/a/b/orch-step-0")));
	assert_false(path_exists(at("h/a/b/orch-step-3")));
	assert_false(path_exists(at("h/a/b/orch-run-99999999")));
	assert_true(path_exists(at("h/a/b/orch-run-99999998")));
	cgroup_run_close(r);
	cgroup_run_close(NULL);
}

#define GROUP_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		GROUP_TEST(a_run),
		GROUP_TEST(where_nothing_is_delegated),
		GROUP_TEST(what_the_kernel_ended),
		GROUP_TEST(litter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
