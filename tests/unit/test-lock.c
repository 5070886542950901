/* SPDX-License-Identifier: GPL-3.0-or-later */
#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "kinds/debian.h"

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD "orch-lock 1\nrequest " SUM "\narch arm64\ndate 1700000000\narchive debian trixie\n"

static int parse(struct arena *arena, const char *text, struct debian_lock *ret, struct err **err)
{
	return debian_lock_parse(arena, "recipes/x.lock", text, ret, err);
}

static void test_round_trip(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct debian_lock l cleanup_lock = {0}, again cleanup_lock = {0};
	struct str one cleanup_str = STR_INIT, two cleanup_str = STR_INIT;
	struct err *err = NULL;

	(void)state;
	assert_int_equal(parse(arena,
			       HEAD "archive own stable own-keys\n"
				    "tool debian qemu-user 1:10+ds-1 amd64 pool/q.deb 7 " SUM "\n"
				    "package debian b 1~rc1 arm64 pool/b.deb 6 " SUM "\n"
				    "package debian a 1 all pool/a.deb 5 " SUM "\n",
			       &l, &err),
			 0);
	assert_int_equal(l.date, 1700000000);
	assert_int_equal(l.archives.count, 2);
	assert_true(l.archives.items[1].own_keys);
	debian_lock_format(&l, &one);
	assert_string_equal(l.entries.items[0].name, "a"); /* sorted, packages before tools */
	assert_int_equal(l.entries.items[2].type, LOCK_TOOL);
	assert_int_equal(parse(arena, one.buf, &again, &err), 0);
	debian_lock_format(&again, &two);
	assert_string_equal(one.buf, two.buf);
}

static void refuse(const char *text, unsigned line)
{
	struct arena *arena cleanup_arena = arena_new();
	struct debian_lock l cleanup_lock = {0};
	struct err *err cleanup_err = NULL;

	assert_int_equal(parse(arena, text, &l, &err), -1);
	assert_int_equal(err->cls, ERR_USER);
	assert_string_equal(err->file, "recipes/x.lock");
	assert_int_equal(err->line, line);
}

static void test_malformed_lines_are_named(void **state)
{
	(void)state;
	refuse("", 0);
	refuse("orch-lock 2\n", 1);
	refuse("orch-lock 1\n", 1); /* cut short */
	refuse(HEAD "package debian a 1 all pool/a.deb 5 short\n", 6);
	refuse(HEAD "package debian a 1 all ../a.deb 5 " SUM "\n", 6);
	refuse(HEAD "package debian a 1 all /a.deb 5 " SUM "\n", 6);
	refuse(HEAD "package debian a 1 all pool/a.deb -5 " SUM "\n", 6);
	refuse(HEAD "package debian $(a) 1 all pool/a.deb 5 " SUM "\n", 6);
	refuse(HEAD "# fine\npackage debian a 1 all pool/a.deb 5 " SUM " more\n", 7);
	refuse(HEAD "surprise\n", 6);
}

static void test_diff(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct debian_lock old cleanup_lock = {0}, now cleanup_lock = {0}, none cleanup_lock = {0};
	struct str diff cleanup_str = STR_INIT;
	struct err *err = NULL;

	(void)state;
	assert_int_equal(parse(arena,
			       HEAD "package debian a 1 all pool/a.deb 5 " SUM "\n"
				    "package debian b 1 all pool/b.deb 5 " SUM "\n",
			       &old, &err),
			 0);
	assert_int_equal(parse(arena,
			       HEAD "package debian b 2 all pool/b.deb 5 " SUM "\n"
				    "package debian c 1 all pool/c.deb 5 " SUM "\n",
			       &now, &err),
			 0);
	debian_lock_diff(&old, &now, &diff);
	assert_string_equal(diff.buf, "- a 1\n~ b 1 -> 2\n+ c 1\n");
	str_clear(&diff);
	debian_lock_diff(&now, &now, &diff);
	assert_string_equal(diff.buf, "");
	debian_lock_diff(&none, &now, &diff);
	assert_string_equal(diff.buf, "2 packages, 10 B to download\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_malformed_lines_are_named),
		cmocka_unit_test(test_diff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
