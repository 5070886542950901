/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include <signal.h>
#include <sys/wait.h>

#include "machine/sandbox/leftovers.h"

static size_t files_in(const char *name)
{
	char *out cleanup_free = OUTPUT("ls", "-A", (char *)at(name));
	size_t n = 0;

	for (const char *p = out; *p; p++)
		n += *p == '\n';
	return n;
}

static void test_close(void **state)
{
	struct leftovers *l = NULL;
	struct err *err = NULL;

	put("a/x/file", "text");
	ok(leftovers_open(at("notes"), &l, &err), &err);
	leftovers_note(l, at("a/x"));
	leftovers_note(l, at("a/x"));
	leftovers_note(l, at("never-made"));
	assert_int_equal(files_in("notes"), 2);
	leftovers_close(l);
	leftovers_close(NULL);
	assert_false(path_exists(at("a/x")));
	assert_true(path_exists(at("a")));
	assert_int_equal(files_in("notes"), 1);
}

/* Notes of a killed process are obeyed by the next one, those of a living one are not. */
static void test_killed(void **state)
{
	struct leftovers *living = NULL, *next = NULL;
	struct err *err = NULL;
	int status, fds[2];
	char c;
	pid_t pid;

	put("dead/file", "text");
	put("alive/file", "text");
	ok(leftovers_open(at("notes"), &living, &err), &err);
	leftovers_note(living, at("alive"));
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		struct leftovers *mine = NULL;

		if (leftovers_open(at("notes"), &mine, &err) < 0)
			_exit(1);
		leftovers_note(mine, at("dead"));
		if (write(fds[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(path_exists(at("dead")));
	ok(leftovers_open(at("notes"), &next, &err), &err);
	assert_false(path_exists(at("dead")));
	assert_true(path_exists(at("alive")));
	leftovers_close(next);
	leftovers_close(living);
	assert_false(path_exists(at("alive")));
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_close),
					   cmocka_unit_test(test_killed)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
