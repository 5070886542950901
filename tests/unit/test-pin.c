/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking for a PIN: on a terminal of its own, whose other end is the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "kinds/pki/pin.h"
#include "tmp.h"

/*
 * Who asks is a job of a session that has the terminal, as below a shell: LEADER starts it, and
 * says by a pipe what becomes of it.
 */
struct asking {
	int master, slave, says;
	pid_t leader, job;
};

/* The job: it tells by its exit whether it was told "1234". */
static _Noreturn void ask(int terminal)
{
	struct err *err = NULL;
	struct str pin cleanup_pin = STR_INIT;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTTOU, SIG_IGN);
	setpgid(0, 0);
	tcsetpgrp(terminal, getpid());
	signal(SIGTTOU, SIG_DFL);
	if (pin_get("locked.key", NULL, &pin, &err) < 0)
		_exit(2);
	_exit(str_eq(pin.buf, "1234") ? 0 : 1);
}

static _Noreturn void lead(int terminal, int to)
{
	pid_t job;
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	ioctl(terminal, TIOCSCTTY, 0);
	job = fork();
	if (job == 0)
		ask(terminal);
	(void)!write(to, &job, sizeof(job));
	while (waitpid(job, &status, WUNTRACED) == job) {
		(void)!write(to, &status, sizeof(status));
		if (!WIFSTOPPED(status))
			break;
	}
	_exit(0);
}

static struct asking start(void)
{
	struct asking a = {0};
	int fds[2];

	assert_int_equal(openpty(&a.master, &a.slave, NULL, NULL, NULL), 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	a.says = fds[0];
	a.leader = fork();
	if (a.leader == 0)
		lead(a.slave, fds[1]);
	close(fds[1]);
	assert_int_equal(read(a.says, &a.job, sizeof(a.job)), sizeof(a.job));
	return a;
}

static void asking_end(struct asking *a)
{
	assert_int_equal(waitpid(a->leader, NULL, 0), a->leader);
	close(a->master);
	close(a->slave);
	close(a->says);
}
#define cleanup_asking __attribute__((cleanup(asking_end)))

/* Until it asks. */
static void wait_for_prompt(const struct asking *a)
{
	char text[256] = "";
	size_t len = 0;

	while (!strstr(text, "PIN for locked.key: ")) {
		ssize_t n = read(a->master, text + len, sizeof(text) - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
		text[len] = 0;
	}
}

/* What becomes of the job, as wait(2) has it. */
static int status_of(const struct asking *a)
{
	int status = -1;

	assert_int_equal(read(a->says, &status, sizeof(status)), sizeof(status));
	return status;
}

static bool echoes(const struct asking *a)
{
	struct termios t;

	assert_int_equal(tcgetattr(a->slave, &t), 0);
	return t.c_lflag & ECHO;
}

static void type(const struct asking *a, const char *text)
{
	assert_int_equal(write(a->master, text, strlen(text)), strlen(text));
}

static void what_is_typed_is_not_shown(void **state)
{
	struct asking a cleanup_asking = start();

	wait_for_prompt(&a);
	assert_false(echoes(&a));
	type(&a, "1234\n");
	assert_int_equal(status_of(&a), 0);
	assert_true(echoes(&a));
}

static void ended_by(int signal, const char *typed)
{
	struct asking a cleanup_asking = start();
	int status;

	wait_for_prompt(&a);
	assert_false(echoes(&a));
	if (typed)
		type(&a, typed);
	else
		assert_int_equal(kill(a.job, signal), 0);
	status = status_of(&a);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signal);
	assert_true(echoes(&a));
}

static void who_interrupts_sees_what_he_types(void **state)
{
	ended_by(SIGINT, "12\003");
	ended_by(SIGTERM, NULL);
	ended_by(SIGHUP, NULL);
}

static void who_stops_sees_what_he_types(void **state)
{
	struct asking a cleanup_asking = start();

	for (int i = 0; i < 2; i++) {
		int status;

		wait_for_prompt(&a);
		assert_false(echoes(&a));
		type(&a, "98\032");
		status = status_of(&a);
		assert_true(WIFSTOPPED(status));
		assert_true(echoes(&a));
		assert_int_equal(kill(a.job, SIGCONT), 0);
	}
	wait_for_prompt(&a);
	assert_false(echoes(&a));
	type(&a, "1234\n");
	assert_int_equal(status_of(&a), 0);
	assert_true(echoes(&a));
}

/* No configuration but the test's; who hangs is ended. */
static int setup(void **state)
{
	alarm(120);
	return dir_setup(state) < 0 ? -1 : setenv("XDG_CONFIG_HOME", dir, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_typed_is_not_shown),
		cmocka_unit_test(who_interrupts_sees_what_he_types),
		cmocka_unit_test(who_stops_sees_what_he_types),
	};

	return cmocka_run_group_tests(tests, setup, dir_teardown);
}
