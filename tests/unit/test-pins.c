/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "kinds/debian.h"

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD "orch-lock 1\nrequest " SUM "\narch arm64\ndate 1700000000\narchive debian trixie\n"
#define A "package debian a 1 all pool/a.deb 5 " SUM "\n"
#define B "package debian b 1~rc1 arm64 pool/b.deb 6 " SUM "\n"
#define S "source debian s 2 source pool/s_2.dsc 7 " SUM "\n"

/* The pins of a lock, one a line. */
static char *pins_of(struct arena *arena, const char *lock)
{
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
				  "package a 1 all sha256:" SUM "\n"
				  "package b 1~rc1 arm64 sha256:" SUM "\n"
				  "source s 2 s_2.dsc sha256:" SUM "\n");
}

/* Another archive, place, date, order or comment pins nothing else. */
static void what_does_not(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	char *pins cleanup_free = pins_of(arena, HEAD A B S);
	char *other cleanup_free =
		pins_of(arena, "orch-lock 1\nrequest " SUM "\narch arm64\ndate 1800000000\n"
			       "archive debian sid\narchive more own own-keys\n# new\n" B
			       "package more a 1 all main/a.deb 5 " SUM "\n" S);

	assert_string_equal(pins, other);
}

static void a_bad_lock(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err *err cleanup_err = NULL;
	struct pins pins = {0};

	assert_int_equal(debian_pins(arena, "recipes/x.lock", HEAD "what\n", &pins, &err), -1);
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
