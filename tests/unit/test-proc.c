/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/proc.h"

/* Runs a shell line that must fail, with our own stderr out of the way, and compares the error. */
static void fails(const char *line, enum err_class cls, const char *text)
{
	char *const argv[] = {"sh", "-c", (char *)line, NULL};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC),
	    saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	struct str out cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL, *again cleanup_err = NULL;

	assert_true(dup2(null, STDERR_FILENO) >= 0);
	assert_int_equal(proc_run(argv, NULL, &err), -1);
	assert_int_equal(proc_output(argv, NULL, 1 << 20, &out, &again), -1);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(null);
	close(saved);
	assert_string_equal(err->text, text);
	assert_int_equal(err->code->cls, cls);
	assert_string_equal(again->text, text);
}

static void test_reason(void **state)
{
	fails("exit 3", ERR_BUILD, "'sh' exited with 3");
	fails("echo on stdout; exit 3", ERR_BUILD, "'sh' exited with 3");
	fails("echo why >&2; exit 3", ERR_BUILD, "'sh' exited with 3: why");
	fails("printf 'first\\n\\n  the last \\r\\n\\n' >&2; exit 1", ERR_BUILD,
	      "'sh' exited with 1: the last");
	fails("echo 'no room' >&2; kill -9 $$", ERR_BUILD, "'sh' was killed by SIGKILL: no room");
}

/* mksquashfs below rauc: what rauc says last is only that. */
static void test_reason_of_child(void **state)
{
	fails("echo 'mksquashfs: no such compressor' >&2; echo choose: >&2;"
	      "echo 'Failed: Child process exited with code 1' >&2; exit 1",
	      ERR_BUILD,
	      "'sh' exited with 1: Failed: Child process exited with code 1 "
	      "(mksquashfs: no such compressor)");
	fails("echo 'Child process exited with code 1' >&2; exit 1", ERR_BUILD,
	      "'sh' exited with 1: Child process exited with code 1");
}

static void test_reason_full_disk(void **state)
{
	fails("echo 'Write failed because No space left on device' >&2; echo gave up >&2; exit 1",
	      ERR_RESOURCE, "'sh' exited with 1: gave up");
}

static void test_reason_after_much(void **state)
{
	fails("seq 1 200000 >&2; exit 1", ERR_BUILD, "'sh' exited with 1: 200000");
}

/* What it says is on our stderr as well, whole, also when it succeeds. */
static void test_stderr_goes_on(void **state)
{
	char *const argv[] = {"sh", "-c", "echo one >&2; echo two; echo three >&2", NULL};
	struct str out cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), fds[2];
	char buf[64] = "";

	assert_int_equal(pipe(fds), 0);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	assert_int_equal(proc_output(argv, NULL, 64, &out, &err), 0);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_string_equal(out.buf, "two\n");
	assert_int_equal(read(fds[0], buf, sizeof(buf) - 1), 10);
	assert_string_equal(buf, "one\nthree\n");
	close(fds[0]);
	close(fds[1]);
	close(saved);
}

/* One that was left behind holds stderr: nobody waits for it. */
static void test_left_behind(void **state)
{
	time_t start = time(NULL);

	fails("sleep 30 >/dev/null & echo gone >&2; kill -9 $$", ERR_BUILD,
	      "'sh' was killed by SIGKILL: gone");
	assert_true(time(NULL) - start < 20);
}

static void test_limits(void **state)
{
	char *const much[] = {"sh", "-c", "seq 1 100000", NULL};
	char *const late[] = {"sleep", "600", NULL};
	struct str out cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL, *timeout cleanup_err = NULL;

	assert_int_equal(proc_output(much, NULL, 1000, &out, &err), -1);
	assert_string_equal(err->text, "'sh' printed more than 1000 bytes");
	assert_int_equal(proc_run(late, &(struct proc_opts){.timeout_s = 1}, &timeout), -1);
	assert_int_equal(timeout->code->cls, ERR_TIMEOUT);
	assert_string_equal(timeout->text, "'sleep' took longer than 1 s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reason),           cmocka_unit_test(test_reason_of_child),
		cmocka_unit_test(test_reason_full_disk), cmocka_unit_test(test_reason_after_much),
		cmocka_unit_test(test_stderr_goes_on),   cmocka_unit_test(test_left_behind),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
