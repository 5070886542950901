/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of configuration files, and where they stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/file.h"
#include "check/conf.h"
#include "tmp.h"

static struct arena *arena;
static struct conf_entries entries;

static void read_ini(const char *text, const char *filled)
{
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = path_join(dir, "c.conf");

	conf_entries_clear(&entries);
	assert_int_equal(file_write(path, text, strlen(text), 0644, false, &err), 0);
	assert_int_equal(conf_read_ini(arena, dir, "c.conf", filled, &entries, &err), 0);
}

static void has(size_t i, const char *section, const char *key, const char *value, unsigned line)
{
	assert_true(i < entries.count);
	assert_string_equal(entries.items[i].section, section);
	assert_string_equal(entries.items[i].key, key);
	assert_string_equal(entries.items[i].value, value);
	assert_int_equal(entries.items[i].pos.line, line);
}

static void test_plain(void **state)
{
	read_ini("# c\n[system]\n a = b\n\n[slot.x.0]\ndevice=/dev/x\n", NULL);
	assert_int_equal(entries.count, 2);
	has(0, "system", "a", "b", 3);
	has(1, "slot.x.0", "device", "/dev/x", 6);
}

/* A position is that of the template, whatever its values have put between the lines. */
static void test_filled(void **state)
{
	read_ini("[system]\ncompatible={{d#compatible}}\ntries={{d#tries}}\nplain=1\n\n"
		 "{{d#slots}}\n\n"
		 "[handlers]\npre-install=/x\n",
		 "[system]\ncompatible=pi\ntries=3\nplain=1\n\n[slot.a.0]\nx=1\n[slot.a.1]\nx=2\n\n"
		 "[handlers]\npre-install=/x\n");
	assert_int_equal(entries.count, 6);
	has(0, "system", "compatible", "pi", 2);
	has(1, "system", "tries", "3", 3);
	has(2, "system", "plain", "1", 4);
	has(3, "slot.a.0", "x", "1", 6);
	has(4, "slot.a.1", "x", "2", 6);
	has(5, "handlers", "pre-install", "/x", 9);
}

/* Nothing but a value, and a value at the end without a line end. */
static void test_only_values(void **state)
{
	read_ini("{{d#all}}", "a=1\nb=2\nc=3");
	assert_int_equal(entries.count, 3);
	has(0, "", "a", "1", 1);
	has(2, "", "c", "3", 1);
	read_ini("", NULL);
	assert_int_equal(entries.count, 0);
}

static int setup(void **state)
{
	arena = arena_new();
	return dir_setup(state);
}

static int teardown(void **state)
{
	conf_entries_clear(&entries);
	arena_free(arena);
	return dir_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_filled),
		cmocka_unit_test(test_only_values),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
