/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stays of a directory that builds keep, when it has become too large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/run/build_cache.h"
#include "tmp.h"

#define PIECE 65536

void action_log(struct action *a, const char *fmt, ...)
{
}

/* A file of PIECE bytes that was last used at second WHEN. */
static void put(const char *name, time_t when)
{
	char *path cleanup_free = path_join(dir, name);
	char *bytes cleanup_free = xmalloc(PIECE);
	struct timespec times[2] = {{when, 0}, {when, 0}};
	struct err *err = NULL;

	memset(bytes, 'x', PIECE);
	if (path_mkparents(path, &err) < 0 || file_write(path, bytes, PIECE, 0644, false, &err) < 0)
		fail_msg("%s", err->text);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool is_there(const char *name)
{
	char *path cleanup_free = path_join(dir, name);

	return path_exists(path);
}

static void test_oldest_go(void **state)
{
	struct action a = {.node = "n"};

	put("a/old", 1000);
	put("b/new", 4000);
	put("older", 500);
	put("a/newer", 5000);
	build_cache_trim(&a, dir, 4 * PIECE);
	assert_true(is_there("older"));
	build_cache_trim(&a, dir, 2 * PIECE);
	assert_true(is_there("b/new"));
	assert_true(is_there("a/newer"));
	assert_false(is_there("a/old"));
	assert_false(is_there("older"));
	build_cache_trim(&a, dir, 0);
	assert_false(is_there("a/newer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_oldest_go, dir_setup, dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
