/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Characters as bytes, there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "base/utf8.h"

/* Every character, written and read again; halves of UTF-16 are none. */
static void all_there_and_back(void **state)
{
	char bytes[4];

	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		struct utf8 u = utf8_start(bytes, utf8_encode(code, bytes));
		bool half = code >= 0xd800 && code < 0xe000;

		assert_true(utf8_next(&u));
		assert_int_equal(u.bad, half);
		if (half)
			continue;
		assert_int_equal(u.code, code);
		assert_ptr_equal(u.next, u.end);
	}
}

static void is_what_others_write(void **state)
{
	static const struct {
		uint32_t code;
		const char *text;
	} cases[] = {{'A', "A"}, {0xe4, "ä"}, {0x20ac, "€"}, {0x1f600, "😀"}};
	char bytes[4];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = strlen(cases[i].text);

		assert_int_equal(utf8_encode(cases[i].code, bytes), len);
		assert_memory_equal(bytes, cases[i].text, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_there_and_back),
		cmocka_unit_test(is_what_others_write),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
