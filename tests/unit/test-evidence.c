/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Licences of copyright files, package URLs, SHA-1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/digest.h"
#include "evidence/bill.h"

#define FORMAT "Format: https://test.invalid/copyright-format/1.0/\n\n"

static struct arena *arena;
static struct licences others;

static int set_up(void **state)
{
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	licences_clear(&others);
	arena_free(arena);
	return 0;
}

/* What a file whose only Files paragraph has LICENCE says. */
static const char *expression(const char *licence)
{
	char *file cleanup_free =
		xasprintf(FORMAT "Files: *\nCopyright: x\nLicense: %s\n", licence);

	return copyright_expression(arena, file, &others);
}

static void test_known_names(void **state)
{
	assert_string_equal(expression("GPL-2+"), "GPL-2.0-or-later");
	assert_string_equal(expression("expat"), "MIT");
	assert_string_equal(expression("BSD-3-clause"), "BSD-3-Clause");
	assert_string_equal(expression("GFDL-NIV-1.3+  "), "GFDL-1.3-no-invariants-or-later");
	assert_int_equal(others.count, 0);
}

/* The format's own examples of what binds how. */
static void test_operators(void **state)
{
	assert_string_equal(expression("GPL-1+ or Artistic"),
			    "(GPL-1.0-or-later OR Artistic-1.0-Perl)");
	assert_string_equal(expression("GPL-2+ or Artistic-2.0, and BSD-3-clause"),
			    "((GPL-2.0-or-later OR Artistic-2.0) AND BSD-3-Clause)");
	assert_string_equal(expression("GPL-2+ or Artistic-2.0 and BSD-3-clause"),
			    "(GPL-2.0-or-later OR (Artistic-2.0 AND BSD-3-Clause))");
	assert_string_equal(expression("Zlib AND ISC"), "(Zlib AND ISC)");
}

static void test_unknown_names(void **state)
{
	assert_non_null(strstr(expression("GPL-2+ with Font/exception"),
			       "LicenseRef-Debian-GPL-2--with-Font-exception-"));
	assert_int_equal(others.count, 1);
	assert_string_equal(others.items[0].name, "GPL-2+ with Font/exception");
	assert_string_equal(others.items[0].text, others.items[0].name);
}

/* Two licences of one name are two; equal ones are one. */
static void test_texts(void **state)
{
	assert_non_null(expression("custom\n Do it.\n .\n Or not."));
	assert_non_null(expression("custom\n Do not."));
	assert_non_null(expression("custom\n Do it.\n .\n Or not."));
	assert_string_equal(others.items[0].text, "Do it.\n\nOr not.\n");
	assert_string_not_equal(others.items[0].id, others.items[1].id);
	assert_string_equal(others.items[0].id, others.items[2].id);
}

static void test_all_files(void **state)
{
	static const char file[] = FORMAT "Files: *\nLicense: ISC\n\n"
					  "Files: a\nlicense: Expat\n\n"
					  "Files: b\nLicense: ISC\n\n"
					  "License: GPL-3\n Not of a file.\n";

	assert_string_equal(copyright_expression(arena, file, &others), "ISC AND MIT");
}

static void test_other_files(void **state)
{
	assert_null(copyright_expression(arena, "", &others));
	assert_null(copyright_expression(arena, "\n\n", &others));
	assert_null(copyright_expression(arena, "This is free.\n\nLicense: GPL-2\n", &others));
	assert_null(copyright_expression(arena, FORMAT, &others));
	assert_null(copyright_expression(arena, FORMAT "Files: *\nLicense:\n", &others));
	assert_null(copyright_expression(
		arena, FORMAT "Files: *\nLicense: ISC\n\nFiles: a\nLicense:\n Some text.\n",
		&others));
	assert_null(copyright_expression(
		arena, FORMAT "Files: a\nCopyright: x\n\nFiles: *\nLicense: ISC\n", &others));
}

static void test_purl(void **state)
{
	struct bill_package p = {.name = "libstdc++6",
				 .version = "1:2.0~rc1+b1",
				 .arch = "arm64",
				 .source = "gcc-14",
				 .source_version = "14.2"};

	assert_string_equal(bill_purl(arena, &p),
			    "pkg:deb/debian/libstdc%2B%2B6@1:2.0~rc1%2Bb1?arch=arm64");
	p.vendor = "acme os";
	p.codename = "trixie";
	assert_string_equal(bill_source_purl(arena, &p),
			    "pkg:deb/acme%20os/gcc-14@14.2?arch=source&distro=trixie");
}

/* FIPS 180-4's example. */
static void test_sha1(void **state)
{
	struct hasher *h = hasher_new_sha1();
	char hex[SHA1_HEX + 1];
	struct sha1 sum;

	hasher_update(h, "abc", 3);
	hasher_finish_sha1(h, &sum);
	assert_string_equal(sha1_hex(&sum, hex), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_known_names), TEST(test_operators),        TEST(test_unknown_names),
		TEST(test_texts),       TEST(test_all_files),        TEST(test_other_files),
		TEST(test_purl),        cmocka_unit_test(test_sha1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
