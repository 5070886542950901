/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lock-fixture.h"

#define S "source debian ss 2 source pool/s_2.tar 7 " SUM "\n"

/* The pins of a lock, one a line. */
static char *pins_of(struct arena *arena, const char *body)
{
	char *lock cleanup_free = seal(body);
	struct err *err cleanup_err = NULL;
	struct pins pins = {0};
	struct str s = STR_INIT;

	if (debian_pins(arena, "recipes/x.lock", lock, &pins, &err))
		fail_msg("%s", err->text);
	for (size_t i = 0; i < pins.count; i++)
		str_printf(&s, "%s %s %s\n", pins.items[i].what, pins.items[i].name,
			   pins.items[i].value);
	pins_clear(&pins);
	return str_steal(&s);
}

static void what_makes_bytes(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	char *pins cleanup_free = pins_of(arena, HEAD A B S);

	assert_string_equal(pins, "arch arm64 \n"
				  "package aa 1 all sha256:" SUM "\n"
				  "package bb 1~rc1 arm64 sha256:" SUM "\n"
				  "source ss 2 s_2.tar sha256:" SUM "\n");
}

/* Another archive, place, date, reason, source or installed size pins nothing else. */
static void what_does_not(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	char *pins cleanup_free = pins_of(arena, HEAD ARCHIVE WANT A B S);
	char *other cleanup_free = pins_of(
		arena, START "request " SUM "\narch arm64\ndate 1800000000\n" ARCHIVE
			     "archive more own main " SUM "\nwant bb bb\n"
			     "package more aa 1 all main/a.deb 5 " SUM " other 3 9 -\n" B S);

	assert_string_equal(pins, other);
}

static void a_bad_lock(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err *err cleanup_err = NULL;
	struct pins pins = {0};
	char *lock cleanup_free = seal(HEAD "what\n");

	assert_int_equal(debian_pins(arena, "recipes/x.lock", lock, &pins, &err), -1);
	assert_string_equal(err->file, "recipes/x.lock");
	assert_int_equal(err->line, 6);
	assert_int_equal(pins.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_makes_bytes),
		cmocka_unit_test(what_does_not),
		cmocka_unit_test(a_bad_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
