/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why two builds may differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "base/vec.h"
#include "evidence/cause.h"

#define THEN 1790000000
#define NOW 1795000000

static enum cause of(const char *a, size_t a_len, const char *b, size_t b_len)
{
	const struct cause_side x = {a, a_len, "/home/a/project", THEN, THEN + 60};
	const struct cause_side y = {b, b_len, "/tmp/elsewhere", NOW, NOW + 60};

	return cause_guess(&x, &y);
}

static enum cause of_text(const char *a, const char *b)
{
	return of(a, strlen(a), b, strlen(b));
}

static void test_time(void **state)
{
	assert_int_equal(of_text("built at 1790000001\n", "built at 1795000003\n"), CAUSE_TIME);
	assert_int_equal(of_text("Mon 10:20:30 UTC", "Mon 10:21:07 UTC"), CAUSE_TIME);
	assert_int_equal(of_text("date: 2026-09-21", "date: 2026-11-18"), CAUSE_TIME);
	/* gzip's header has the time from byte 4 on, the least significant byte first */
	assert_int_equal(of("\x1f\x8b\x08\0\x80\x1b\xb1\x6a\0\x03", 10,
			    "\x1f\x8b\x08\0\xc0\x66\xfd\x6a\0\x03", 10),
			 CAUSE_TIME);
}

static void test_no_time(void **state)
{
	assert_int_equal(of_text("id 1111111111\n", "id 2222222222\n"), CAUSE_UNKNOWN);
	assert_int_equal(of_text("a1b2", "c3d4"), CAUSE_UNKNOWN);
	assert_int_equal(of_text("", "x"), CAUSE_UNKNOWN);
	assert_int_equal(of_text("12", "21"), CAUSE_UNKNOWN);
}

static void test_order(void **state)
{
	assert_int_equal(of_text("a\nb\nc\n", "c\na\nb\n"), CAUSE_ORDER);
	assert_int_equal(of_text("1\n2\n3\n10\n", "10\n1\n3\n2\n"), CAUSE_ORDER);
}

/* What is the same before the difference says nothing of it. */
static void test_no_order(void **state)
{
	char a[1010], b[1010];

	memset(a, 'x', sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_int_equal(of(a, sizeof(a), b, sizeof(b)), CAUSE_UNKNOWN);
	memcpy(a + 1000, "12", 2);
	memcpy(b + 1000, "21", 2);
	assert_int_equal(of(a, sizeof(a), b, sizeof(b)), CAUSE_UNKNOWN);
	for (size_t i = 0; i < 300; i++) {
		a[i] = (char)i;
		b[i] = (char)(299 - i);
	}
	assert_int_equal(of(a, 300, b, 300), CAUSE_ORDER);
}

static void test_path(void **state)
{
	assert_int_equal(of_text("in /home/a/project/x.c", "in /tmp/elsewhere/x.c"), CAUSE_PATH);
}

static enum cause of_processors(const char *a, unsigned a_cpus, const char *b, unsigned b_cpus)
{
	const struct cause_side x = {a, strlen(a), "/p", THEN, THEN + 60, a_cpus};
	const struct cause_side y = {b, strlen(b), "/q", NOW, NOW + 60, b_cpus};

	return cause_guess(&x, &y);
}

static void test_processors(void **state)
{
	static const char *const alike[][2] = {
		{"16\n", "1\n"},
		{"16", "1"},
		{"jobs=16", "jobs=1"},
		{"make -j16 all\nend\n", "make -j1 all\nend\n"},
		{"same\n16 of 16 at 1.5\n", "same\n1 of 1 at 1.5\n"},
		{"it has 16.\n", "it has 1.\n"},
	};
	static const char *const others[][2] = {
		{"15\n", "1\n"},
		{"16 of 17\n", "1 of 2\n"},
		{"116\n", "11\n"},
		{"0.16\n", "0.1\n"},
		{"16.5\n", "1.5\n"},
		{"16\n", "1 \n"},
		{"pid 16 of 5", "pid 1 of 6"},
		{"16", "16\n"},
		{"1", "16"},
	};

	for (size_t i = 0; i < array_len(alike); i++)
		assert_int_equal(of_processors(alike[i][0], 16, alike[i][1], 1), CAUSE_PROCESSORS);
	for (size_t i = 0; i < array_len(others); i++)
		assert_int_equal(of_processors(others[i][0], 16, others[i][1], 1), CAUSE_UNKNOWN);
	assert_int_equal(of_processors("16", 0, "1", 0), CAUSE_UNKNOWN);
	assert_int_equal(of_processors("16", 16, "1", 16), CAUSE_UNKNOWN);
}

static void test_place(void **state)
{
	const struct cause_side a = {.data = "same1", .len = 5}, b = {.data = "same", .len = 4};

	assert_int_equal(cause_place(&a, &b), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),       cmocka_unit_test(test_no_time),
		cmocka_unit_test(test_order),      cmocka_unit_test(test_path),
		cmocka_unit_test(test_place),      cmocka_unit_test(test_no_order),
		cmocka_unit_test(test_processors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
