/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cursor on a console, without a board behind it: what was not said never comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "machine/board/scene_priv.h"
#include "tmp.h"

static const struct board board = {.time_permille = 1000};
static const char *const never[] = {"=> "};

static void quiet(void *arg, enum scene_source source, const char *line)
{
}

static struct scene *scene(void)
{
	struct scene_opts opts = {
		.board = &board, .dir = dir, .never = never, .never_count = 1, .log = quiet};
	struct scene *s = NULL;
	struct err *err = NULL;

	assert_int_equal(scene_new(&opts, &s, &err), 0);
	return s;
}

static void say(struct scene *s, const char *text)
{
	console_feed(&s->console, text, strlen(text));
}

static int match(void *arg, const struct scene_line *line, struct err **err)
{
	return strstr(line->text, arg) != NULL;
}

/* Whether TEXT is behind the cursor. */
static bool hit(struct scene *s, const char *text, bool background)
{
	struct scene_want want = {.fn = match,
				  .arg = (char *)text,
				  .what = "no such line",
				  .open = true,
				  .background = background};
	struct err *err cleanup_err = NULL;

	if (scene_wait(s, &want, 1, NULL, &err) == 0)
		return true;
	assert_int_equal(err->code->cls, ERR_BUILD);
	assert_string_equal(err->text, "no such line: the board switched itself off");
	return false;
}

static void test_order(void **state)
{
	struct scene *s cleanup_scene = scene();

	say(s, "one\ntwo\nthree\n");
	assert_true(hit(s, "two", false));
	assert_false(hit(s, "one", false));
	assert_false(hit(s, "two", false));
	assert_true(hit(s, "three", false));
	say(s, "one\n");
	assert_true(hit(s, "one", false));
	assert_false(hit(s, "one", false));
	scene_skip(s);
	say(s, "one\none\n");
	assert_true(hit(s, "one", false));
	assert_true(hit(s, "one", false));
	assert_false(hit(s, "one", false));
}

/* A line that was a hit before it was finished is no second one, whatever comes between. */
static void test_open(void **state)
{
	struct scene *s cleanup_scene = scene();

	say(s, "\n\nlogin: ");
	assert_true(hit(s, "login", false));
	assert_false(hit(s, "login", false));
	scene_note(s, "next step");
	say(s, "x\nafter\n");
	assert_false(hit(s, "login", false));
	assert_true(hit(s, "after", false));
	say(s, "half");
	scene_skip(s);
	say(s, " done\nhalf again\n");
	assert_true(hit(s, "half", false));
	assert_false(hit(s, "half", false));
}

static void test_others(void **state)
{
	struct scene *s cleanup_scene = scene();
	unsigned job;
	struct err *err cleanup_err = NULL;

	scene_note(s, "note");
	assert_int_equal(scene_start(s, "true", true, &job, &err), -1); /* the board is off */
	assert_int_equal(s->background.count, 1);
	scene_agent_said(s, AGENT_LINE, 1, "40% copying", 0);
	scene_agent_said(s, AGENT_LINE, 2, "not in the background", 0);
	assert_false(hit(s, "note", true));
	assert_false(hit(s, "copying", false));
	assert_false(hit(s, "not in", true));
	say(s, "console\n");
	assert_true(hit(s, "copying", true));
	assert_true(hit(s, "console", false)); /* no other line moves the cursor */
	assert_string_equal(scene_last_line(s), "console");
}

/* A board that is on: a process that does nothing, and the other end of its agent's socket. */
static struct scene *scene_on(int *ret_guest)
{
	struct scene *s = scene();
	int pair[2];

	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0)
		for (;;)
			pause();
	s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	s->agentfd = pair[0];
	*ret_guest = pair[1];
	return s;
}

/* Nobody reads in the guest: it is not waited for without an end. */
static void test_deaf(void **state)
{
	static const struct board fast = {.time_permille = 10};
	int guest cleanup_fd = -1;
	struct scene *s cleanup_scene = scene_on(&guest);
	char *script cleanup_free = xcalloc(1, 8u << 20);
	struct err *err cleanup_err = NULL;
	uint64_t start = clock_ms();
	unsigned job;

	s->o.board = &fast;
	memset(script, '#', (8u << 20) - 1);
	assert_int_equal(scene_start(s, script, false, &job, &err), -1);
	assert_true(clock_ms() - start < 20000);
	assert_int_equal(err->code->cls, ERR_BUILD);
	assert_non_null(strstr(err->text, "bytes within 1 s: what runs commands in it hangs"));
	assert_non_null(strstr(err->text, "'time-scale'"));
}

/* A guest that reads nothing before it has been heard, as a shell that prints does. */
static void test_talks_first(void **state)
{
	int guest cleanup_fd = -1;
	struct scene *s cleanup_scene = scene_on(&guest);
	char *script cleanup_free = xcalloc(1, 4u << 20);
	struct err *err cleanup_err = NULL;
	unsigned job;
	pid_t talker;

	memset(script, '#', (4u << 20) - 1);
	talker = fork();
	assert_true(talker >= 0);
	if (talker == 0) {
		close(s->agentfd);
		for (int i = 0; i < 100000; i++)
			if (write(guest, "out 7 a line\n", 13) != 13)
				_exit(1);
		while (read(guest, script, 65536) > 0)
			;
		_exit(0);
	}
	fd_closep(&guest);
	assert_int_equal(scene_start(s, script, false, &job, &err), 0);
	assert_true(scene_lines(s)->count > 99000);
	fd_closep(&s->agentfd);
	assert_int_equal(waitpid(talker, NULL, 0), talker);
}

static void keep_last(void *arg, enum scene_source source, const char *line)
{
	free(*(char **)arg);
	*(char **)arg = xstrdup(strchr(line, ']') + 2);
}

/* What the console prints is not taken for what the test did. */
static void test_forged_marks(void **state)
{
	static const char *const lines[][2] = {
		{"hello\n", "hello"},
		{"-- power off\n", "\\-- power off"},
		{"> # true\n", "\\> # true"},
		{"& out\n", "\\& out"},
		{"qemu: terminating on signal 15\n", "\\qemu: terminating on signal 15"},
		{"\033[1m-- step 2\n", "\\-- step 2"},
		{"\\-- x\n", "\\\\-- x"},
		{"--x > y\n", "--x > y"},
	};
	struct scene *s cleanup_scene = scene();
	char *last = NULL;

	s->o.log = keep_last;
	s->o.arg = &last;
	for (size_t i = 0; i < array_len(lines); i++) {
		say(s, lines[i][0]);
		assert_string_equal(last, lines[i][1]);
	}
	scene_note(s, "power off");
	assert_string_equal(last, "-- power off");
	s->o.log = quiet;
	free(last);
}

static void test_never(void **state)
{
	struct scene *s cleanup_scene = scene();

	say(s, "fine\n");
	assert_null(s->broken);
	say(s, "U-Boot=> \n");
	assert_string_equal(s->broken, "=> ");
}

/* A board that prints without an end is stopped; what it said is there until then. */
static void test_endless(void **state)
{
	struct scene *s cleanup_scene = scene();
	char *line cleanup_free = xcalloc(1, 4096);
	struct err *err cleanup_err = NULL;
	size_t count;

	memset(line, 'x', 4094);
	line[4094] = '\n';
	say(s, "first\n");
	for (int i = 0; s->kept <= SCENE_KEPT_MAX && i < 100000; i++)
		say(s, line);
	assert_true(s->kept > SCENE_KEPT_MAX);
	count = scene_lines(s)->count;
	assert_in_range(count, SCENE_KEPT_MAX / 4096 - 1000, SCENE_KEPT_MAX / 4096);
	say(s, "half");
	scene_skip(s);
	say(s, " a line\nand more\n");
	assert_int_equal(scene_lines(s)->count, count);
	assert_string_equal(scene_lines(s)->items[0].text, "first");
	s->pid = getpid();
	assert_int_equal(scene_pump(s, clock_ms() + 10, &err), -1);
	s->pid = 0;
	assert_string_equal(err->text, "the board said more than 64 MiB since it was switched on");
}

/* A signal's handler ends what waits, and the board goes with the scene. */
static void test_stop(void **state)
{
	volatile sig_atomic_t stop = 0;
	struct scene *s cleanup_scene = scene();
	struct err *err cleanup_err = NULL;

	s->o.stop = &stop;
	s->pid = fork();
	if (!s->pid)
		for (;;)
			pause();
	s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	assert_int_equal(scene_pass(s, 10, &err), 0);
	stop = SIGINT;
	assert_int_equal(scene_pass(s, 60000, &err), -1);
	assert_int_equal(err->code->cls, ERR_CANCEL);
	err_free(steal_ptr(err));
	assert_int_equal(scene_cut(s, &err), -1);
	assert_false(scene_is_on(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stop),    cmocka_unit_test(test_order),
		cmocka_unit_test(test_open),    cmocka_unit_test(test_others),
		cmocka_unit_test(test_deaf),    cmocka_unit_test(test_talks_first),
		cmocka_unit_test(test_never),   cmocka_unit_test(test_forged_marks),
		cmocka_unit_test(test_endless),
	};

	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
