/* SPDX-License-Identifier: GPL-3.0-or-later */
#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/debian/build_depends.h"
#include "tmp.h"

static void reduces(const char *fields, const char *arch, const char *want)
{
	struct arena *arena cleanup_arena = arena_new();

	assert_string_equal(build_depends_reduce(arena, fields, arch), want);
}

static void test_reduce(void **state)
{
	(void)state;
	reduces("", "amd64", "build-essential");
	reduces("a, b (>= 1.2~) | c (<< 3)", "amd64", "build-essential, a, b (>= 1.2~) | c (<< 3)");
	reduces("a [amd64], b [!amd64], c [arm64 linux-any], d [any-arm64]", "amd64",
		"build-essential, a, c");
	reduces("a [!armhf !armel], b [!amd64 !arm64]", "amd64", "build-essential, a");
	reduces("a <!nocheck>, b <nocheck>, c <!nocheck !cross>, d <pkg.x> <!nodoc>", "arm64",
		"build-essential, a, c, d");
	reduces("a (>= 2) [arm64] <!nocheck>,, b:native (= 1), c:any,", "arm64",
		"build-essential, a (>= 2), b (= 1), c:any");
	reduces("a [amd64] | b [arm64] | c", "arm64", "build-essential, b | c");
	reduces("a [amd64", "amd64", "build-essential, a [amd64");
}

/* Writes NAME/debian/control below the directory of the tests. */
static void control(const char *name, const char *text)
{
	char *path cleanup_free = xasprintf("%s/%s/debian/control", dir, name);
	struct err *err = NULL;

	assert_int_equal(path_mkparents(path, &err), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0644, false, &err), 0);
}

static void test_read(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	const struct project p = {.dir = dir};
	struct err *err = NULL;
	const char *fields = NULL;

	(void)state;
	control("app", "# first\n\nSource: app\nBuild-Depends: a,\n# about b\n b (>= 1)\n"
		       "Build-Depends-Indep: c\n\nPackage: app\nBuild-Depends: never\n");
	assert_int_equal(build_depends_read(arena, &p, "app", &fields, &err), 0);
	assert_string_equal(fields, "a,  b (>= 1), c");

	control("bare", "Source: bare\n\nPackage: bare\n");
	assert_int_equal(build_depends_read(arena, &p, "bare", &fields, &err), 0);
	assert_string_equal(fields, "");

	control("binary", "Package: app\n");
	assert_int_equal(build_depends_read(arena, &p, "binary", &fields, &err), -1);
	assert_non_null(strstr(err->text, "no field Source"));
	err_free(steal_ptr(err));

	assert_int_equal(build_depends_read(arena, &p, "none", &fields, &err), -1);
	assert_non_null(strstr(err->text, "'none' has no debian/control"));
	err_free(err);
}

/* A control file that a link leads to is not the project's. */
static void test_link_out(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	const struct project p = {.dir = arena_printf(arena, "%s/project", dir)};
	struct err *err = NULL;
	const char *fields = NULL;
	char *link cleanup_free = path_join(p.dir, "app");

	(void)state;
	control("outside", "Source: outside\n");
	assert_int_equal(mkdir(p.dir, 0755), 0);
	assert_int_equal(symlink("../outside", link), 0);
	assert_int_equal(build_depends_read(arena, &p, "app", &fields, &err), -1);
	err_free(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reduce),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_link_out),
	};

	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
