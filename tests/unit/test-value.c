/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "recipe/value.h"

/* What is wrong with the LEN bytes at DATA, or NULL and RET is the value. */
static const char *wrong(const char *data, size_t len, struct str *ret)
{
	const char *why;
	size_t n;

	str_clear(ret);
	if (value_check(data, len, &n, &why))
		return why;
	str_append_len(ret, data, n);
	return NULL;
}

static void one_line(void **state)
{
	static const struct {
		const char *data, *value, *why;
	} cases[] = {
		{"a b", "a b", NULL},
		{"a b\n", "a b", NULL},
		{"a b\r\n", "a b", NULL},
		{"a\rb\n", "a\rb", NULL},
		{" \n", " ", NULL},
		{"\xc3\xa4\n", "\xc3\xa4", NULL},
		{"", NULL, "is empty"},
		{"a\n\n", NULL, "has more than one line"},
		{"a\nb", NULL, "has more than one line"},
		{"\xc3\n", NULL, "is not UTF-8"},
	};
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; i < array_len(cases); i++) {
		const char *why = wrong(cases[i].data, strlen(cases[i].data), &s);

		if (cases[i].why)
			assert_string_equal(why, cases[i].why);
		else
			assert_null(why);
		if (cases[i].value)
			assert_string_equal(s.buf, cases[i].value);
	}
	assert_string_equal(wrong("a\0b", 3, &s), "holds a zero byte");
	assert_null(wrong("\n", 1, &s));
	assert_int_equal(s.len, 0);
}

static void size(void **state)
{
	static char data[VALUE_MAX_BYTES + 3];
	struct str s cleanup_str = STR_INIT;

	memset(data, 'x', sizeof(data));
	assert_null(wrong(data, VALUE_MAX_BYTES, &s));
	assert_string_equal(wrong(data, VALUE_MAX_BYTES + 1, &s), "is too large");
	data[VALUE_MAX_BYTES] = '\r';
	data[VALUE_MAX_BYTES + 1] = '\n';
	assert_null(wrong(data, VALUE_MAX_BYTES + 2, &s));
	assert_int_equal(s.len, VALUE_MAX_BYTES);
}

static void names(void **state)
{
	static const char *const bad[] = {"",      "a",     "a:",    ":b",     "a:b c",
					  "a:b/c", "a:b:c", "a:-b",  "a:=b",   "a:+b",
					  "a:?b",  "a:b}",  "a:${b", "a:b|hex"};
	struct arena *arena cleanup_arena = arena_new();
	struct value_ref ref;

	for (size_t i = 0; i < array_len(bad); i++)
		assert_int_equal(value_name(arena, bad[i], strlen(bad[i]), &ref), 1);
	assert_int_equal(value_name(arena, "tests/x@1:b~c-d", 15, &ref), 0);
	assert_string_equal(ref.node, "tests/x@1");
	assert_string_equal(ref.output, "b~c-d");
}

static const char *number(void *arg, const struct value_ref *ref)
{
	return *ref->node == 'a' ? "${b:x}" : "";
}

/* What is put in is not looked at again. */
static void fill(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct value_refs refs = {0};
	const struct value_text *t;

	assert_null(value_text_new(arena, "text", &refs));
	value_refs_push(&refs, (struct value_ref){.node = "a", .at = 0, .len = 6});
	value_refs_push(&refs, (struct value_ref){.node = "b", .at = 6, .len = 6});
	t = value_text_new(arena, "${a:x}${b:x} $", &refs);
	assert_string_equal(value_fill(arena, t, number, NULL), "${b:x} $");
	value_refs_clear(&refs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line),
		cmocka_unit_test(size),
		cmocka_unit_test(names),
		cmocka_unit_test(fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
