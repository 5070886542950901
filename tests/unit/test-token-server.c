/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the server of a token is started and ended; p11-kit is a script here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "kinds/bundle/token_server.h"
#include "tmp.h"

#define ADDRESS "pkcs11:token=edge;object=signer"
#define LONG_NAME \
	"a-store-whose-path-is-longer-than-the-107-bytes-that-a-socket-may-have-as-its-name-"

static char *pin;

/* Makes SCRIPT the p11-kit of this machine; its third argument is --name=SOCKET. */
static void be_p11_kit(const char *script)
{
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = path_join(dir, "p11-kit");
	char *text cleanup_free = xasprintf("#!/bin/sh\nsocket=${3#--name=}\n%s\n: >\"$socket\"\n"
					    "while :; do sleep 1; done\n",
					    script);

	assert_int_equal(file_write(path, text, strlen(text), 0755, false, &err), 0);
}

static void a_server_that_does_not_end_is_ended(void **state)
{
	struct err *err cleanup_err = NULL;
	struct token_server t cleanup_token_server = {0};
	char *at cleanup_free = path_join(dir, "ends");
	time_t before;
	pid_t pid;

	be_p11_kit("trap '' TERM");
	assert_int_equal(token_server_start(&t, ADDRESS, at, pin, &err), 0);
	pid = t.pid;
	before = time(NULL);
	token_server_stop(&t);
	assert_true(time(NULL) - before < 20);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void a_server_that_ends_is_not_waited_for(void **state)
{
	struct err *err cleanup_err = NULL;
	struct token_server t cleanup_token_server = {0};
	char *at cleanup_free = path_join(dir, "waits"), *said cleanup_free = path_join(at, "said");

	be_p11_kit("trap 'echo ended >said; exit 0' TERM");
	assert_int_equal(token_server_start(&t, ADDRESS, at, pin, &err), 0);
	token_server_stop(&t);
	assert_true(path_exists(said)); /* it could still tidy up */
}

static void the_path_of_a_store_may_be_long(void **state)
{
	struct err *err cleanup_err = NULL;
	struct token_server t cleanup_token_server = {0};
	char *at cleanup_free = path_join(dir, LONG_NAME LONG_NAME "/token");

	be_p11_kit("[ ${#socket} -le 107 ] || exit 1");
	assert_int_equal(token_server_start(&t, ADDRESS, at, pin, &err), 0);
}

/* No configuration but the test's; what hangs is ended. */
static int setup(void **state)
{
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = NULL;

	alarm(120);
	if (dir_setup(state) < 0)
		return -1;
	path = xasprintf("%s:%s", dir, getenv("PATH"));
	pin = path_join(dir, "pin");
	return setenv("PATH", path, 1) < 0 || setenv("XDG_CONFIG_HOME", dir, 1) < 0
		       ? -1
		       : file_write(pin, "1234", 4, 0600, false, &err);
}

static int teardown(void **state)
{
	free(pin);
	return dir_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_path_of_a_store_may_be_long),
		cmocka_unit_test(a_server_that_does_not_end_is_ended),
		cmocka_unit_test(a_server_that_ends_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
