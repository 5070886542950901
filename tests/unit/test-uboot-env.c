/* SPDX-License-Identifier: GPL-3.0-or-later */
/* U-Boot's environment: checksums, which copy counts, what others leave behind the variables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/file.h"
#include "media/crc32.h"
#include "media/disk/uboot_env.h"

#define SIZE 1024

static void test_crc(void **state)
{
	assert_int_equal(crc32_of("", 0), 0);
	assert_int_equal(crc32_of("123456789", 9), 0xcbf43926u);
}

static void seal(unsigned char *copy)
{
	uint32_t crc = crc32_of(copy + UBOOT_ENV_HEAD, SIZE - UBOOT_ENV_HEAD);

	for (int i = 0; i < 4; i++)
		copy[i] = (unsigned char)(crc >> 8 * i);
}

static void test_parse(void **state)
{
	static const char vars[] = "BOOT_ORDER=A B\0BOOT_A_LEFT=3\0\0OLD=1\0";
	unsigned char copy[SIZE] = {0}, flag = 0;
	struct strv v cleanup_strv = {0};

	memcpy(copy + UBOOT_ENV_HEAD, vars, sizeof(vars));
	copy[4] = 9;
	seal(copy);
	assert_true(uboot_env_parse(copy, SIZE, &flag, &v));
	assert_int_equal(flag, 9);
	assert_int_equal(v.count, 2); /* what libubootenv left behind the double NUL is nothing */
	assert_string_equal(v.items[0], "BOOT_ORDER=A B");
	assert_string_equal(v.items[1], "BOOT_A_LEFT=3");
	copy[SIZE - 1] ^= 1;
	assert_false(uboot_env_parse(copy, SIZE, &flag, NULL));
	assert_false(uboot_env_parse(copy, 4, &flag, NULL));
}

/* No NUL at all is no way out of the copy. */
static void test_full(void **state)
{
	unsigned char copy[SIZE], flag;
	struct strv v cleanup_strv = {0};

	memset(copy, 'x', sizeof(copy));
	seal(copy);
	assert_true(uboot_env_parse(copy, SIZE, &flag, &v));
	assert_int_equal(v.count, 1);
	assert_int_equal(strlen(v.items[0]), SIZE - UBOOT_ENV_HEAD);
}

static void test_newer(void **state)
{
	static const struct {
		bool valid[2];
		unsigned char flags[2];
		int newer;
	} cases[] = {
		{{false, false}, {1, 2}, -1},  {{true, false}, {1, 2}, 0},
		{{false, true}, {9, 2}, 1},    {{true, true}, {1, 2}, 1},
		{{true, true}, {2, 1}, 0},     {{true, true}, {5, 5}, 0},
		{{true, true}, {255, 0}, 1},   {{true, true}, {0, 255}, 0},
		{{true, true}, {254, 255}, 1},
	};

	for (size_t i = 0; i < array_len(cases); i++)
		assert_int_equal(uboot_env_newer(cases[i].valid, cases[i].flags), cases[i].newer);
}

static void test_format(void **state)
{
	unsigned char copy[SIZE], flag;
	struct strv v cleanup_strv = {0}, read cleanup_strv = {0};
	struct err *err cleanup_err = NULL;

	strv_push(&v, "A=1");
	strv_push(&v, "B=two words");
	assert_int_equal(uboot_env_format(&v, 255, copy, SIZE, &err), 0);
	assert_true(uboot_env_parse(copy, SIZE, &flag, &read));
	assert_int_equal(flag, 255);
	assert_int_equal(read.count, 2);
	assert_string_equal(read.items[1], "B=two words");
	strv_take(&v, xasprintf("C=%0*d", SIZE, 0));
	assert_int_equal(uboot_env_format(&v, 0, copy, SIZE, &err), -1);
	assert_int_equal(err->code->cls, ERR_USER);
}

static void test_format_edge(void **state)
{
	unsigned char copy[UBOOT_ENV_HEAD + 5], flag;
	struct strv v cleanup_strv = {0};
	struct err *err cleanup_err = NULL;

	strv_push(&v, "A=1");
	assert_int_equal(uboot_env_format(&v, 0, copy, UBOOT_ENV_HEAD + 4, &err), -1);
	assert_int_equal(uboot_env_format(&v, 0, copy, UBOOT_ENV_HEAD + 5, NULL), 0);
	assert_true(uboot_env_parse(copy, sizeof(copy), &flag, NULL));
}

static void test_file(void **state)
{
	static const uint64_t at[2] = {4096, 8192};
	char path[] = "/tmp/test-env.XXXXXX";
	int fd cleanup_fd = mkstemp(path);
	struct err *err cleanup_err = NULL;
	struct uboot_env e cleanup_uboot_env = {.newer = -1},
			   again cleanup_uboot_env = {.newer = -1};

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, 16384), 0);
	assert_int_equal(uboot_env_read(fd, "x", at, SIZE, &e, &err), 0);
	assert_int_equal(e.newer, -1);
	strv_set(&e.vars, "BOOT_ORDER", "B A");
	strv_set(&e.vars, "BOOT_A_LEFT", "1");
	strv_set(&e.vars, "BOOT_A_LEFT", "2");
	strv_set(&e.vars, "gone", "x");
	strv_set(&e.vars, "gone", "");
	strv_set(&e.vars, "never", NULL);
	assert_int_equal(uboot_env_write(fd, "x", at, SIZE, &e, &err), 0);
	assert_int_equal(uboot_env_read(fd, "x", at, SIZE, &again, &err), 0);
	assert_true(again.valid[0] && again.valid[1]);
	assert_int_equal(again.newer, 0);
	assert_int_equal(again.vars.count, 2);
	assert_string_equal(strv_get(&again.vars, "BOOT_ORDER"), "B A");
	assert_string_equal(strv_get(&again.vars, "BOOT_A_LEFT"), "2");
	assert_null(strv_get(&again.vars, "BOOT"));
	assert_null(strv_get(&again.vars, "gone"));
	/* The flag goes on from the copy that counts, over its end. */
	again.flags[0] = 254;
	assert_int_equal(uboot_env_write(fd, "x", at, SIZE, &again, &err), 0);
	uboot_env_clear(&again);
	assert_int_equal(uboot_env_read(fd, "x", at, SIZE, &again, &err), 0);
	assert_int_equal(again.flags[0], 0);
	assert_int_equal(again.flags[1], 255);
	assert_int_equal(again.newer, 0);
	assert_int_equal(uboot_env_read(fd, "x", (uint64_t[]){0, 16000}, SIZE, &e, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc),    cmocka_unit_test(test_parse),
		cmocka_unit_test(test_full),   cmocka_unit_test(test_newer),
		cmocka_unit_test(test_format), cmocka_unit_test(test_format_edge),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
