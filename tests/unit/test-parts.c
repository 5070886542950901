/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where bytes are cut, and artifacts as parts and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/cdc.h"
#include "base/chunks.h"
#include "base/file.h"
#include "remote/parts.h"
#include "store/cas.h"
#include "tmp.h"

#define MIB (1024u * 1024)

static void ok(int rc, struct err **err)
{
	if (rc < 0)
		fail_msg("%s", (*err)->text);
	assert_int_equal(rc, 0);
}

/* Marsaglia's xorshift64, from his own start. */
static void fill(unsigned char *p, size_t len)
{
	uint64_t x = 88172645463325252ull;

	for (size_t i = 0; i < len; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(p + i, &x, 8);
	}
}

/* What another program of the algorithm, that takes two bytes at once, makes of these bytes. */
static void test_golden(void **state)
{
	static const size_t golden[] = {323294, 278601, 368893, 418303, 564358, 366858,
					353690, 268244, 266226, 460053, 325062, 200722};
	unsigned char *data cleanup_free = xmalloc(4 * MIB);
	size_t at = 0;

	fill(data, 4 * MIB);
	for (size_t i = 0; i < array_len(golden); i++) {
		size_t n = cdc_cut(data + at, 4 * MIB - at);

		assert_int_equal(n, golden[i]);
		at += n;
	}
	assert_int_equal(at, 4 * MIB);
}

static void test_sizes(void **state)
{
	unsigned char *zeros cleanup_free = xcalloc(3 * MIB, 1);

	assert_int_equal(cdc_cut(zeros, 0), 0);
	assert_int_equal(cdc_cut(zeros, 1), 1);
	assert_int_equal(cdc_cut(zeros, CDC_MIN), CDC_MIN);
	assert_int_equal(cdc_cut(zeros, 3 * MIB), CDC_MAX);
	assert_int_equal(cdc_cut(zeros, CDC_MAX - 1), CDC_MAX - 1);
}

static void cuts(const unsigned char *data, size_t len, struct parts *ret)
{
	for (size_t at = 0, n; at < len; at += n) {
		struct part part = {.offset = at};

		n = cdc_cut(data + at, len - at);
		part.len = (uint32_t)n;
		digest_data(data + at, n, &part.digest);
		parts_push(ret, part);
	}
}

static bool has(const struct parts *p, const struct digest *d)
{
	for (size_t i = 0; i < p->count; i++)
		if (digest_eq(&p->items[i].digest, d))
			return true;
	return false;
}

/* 1000 bytes are put into the middle: all but a few parts are as before. */
static void test_resync(void **state)
{
	const size_t len = 16 * MIB, middle = 7 * MIB + 123;
	unsigned char *a cleanup_free = xmalloc(len), *b cleanup_free = xmalloc(len + 1000);
	struct parts before = {0}, after = {0};
	size_t fresh = 0;

	fill(a, len);
	memcpy(b, a, middle);
	memset(b + middle, 'x', 1000);
	memcpy(b + middle + 1000, a + middle, len - middle);
	cuts(a, len, &before);
	cuts(b, len + 1000, &after);
	for (size_t i = 0; i < after.count; i++)
		fresh += !has(&before, &after.items[i].digest);
	assert_in_range(before.count, 30, 70);
	assert_in_range(fresh, 1, 3);
	parts_clear(&before);
	parts_clear(&after);
}

/* --- files --------------------------------------------------------------------------------- */

static char *in_dir(const char *name)
{
	return path_join(dir, name);
}

/* A file with data at 0, 5 MiB and 9 MiB - 100, of SIZE bytes, and holes between. */
static int holed(const char *path, uint64_t size)
{
	static const uint64_t at[] = {0, 5 * MIB, 9 * MIB - 100};
	unsigned char *data cleanup_free = xmalloc(MIB);
	struct err *err cleanup_err = NULL;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	fill(data, MIB);
	assert_true(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	for (size_t i = 0; i < array_len(at); i++)
		ok(fd_pwrite_all(fd, path, data, MIB - 1, at[i], &err), &err);
	return fd;
}

static void identify(int fd, enum output_type type, struct artifact *ret)
{
	struct err *err cleanup_err = NULL;

	*ret = (struct artifact){.name = "x"};
	ok(cas_identify(fd, "x", type, ret, &err), &err);
}

static blkcnt_t blocks(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_blocks;
}

/* The map as text and back gives the same parts, which give the same file, as sparse as before. */
static void round_trip(enum output_type type)
{
	char *from cleanup_free = in_dir("from"), *to cleanup_free = in_dir("to");
	unsigned char *data cleanup_free = xmalloc(CDC_MAX);
	struct err *err cleanup_err = NULL;
	struct str map cleanup_str = STR_INIT;
	struct parts parts = {0}, read = {0};
	int fd cleanup_fd = holed(from, 64ull * MIB), out cleanup_fd = -1;
	struct artifact a, b;

	identify(fd, type, &a);
	ok(parts_cut(fd, from, type, NULL, NULL, &parts, &err), &err);
	parts_map(&a, &parts, 0, parts.count, &map);
	ok(parts_map_parse(&a, map.buf, map.len, &read, &err), &err);
	assert_int_equal(read.count, parts.count);
	ok(parts_file(to, &a, &out, &err), &err);
	for (size_t i = 0; i < read.count; i++) {
		const struct part *p = &read.items[i];

		assert_int_equal(pread(fd, data, p->len, (off_t)p->offset), p->len);
		ok(parts_put(out, to, p, data, &err), &err);
	}
	identify(out, type, &b);
	assert_true(digest_eq(&a.digest, &b.digest));
	assert_true(a.size == b.size && a.allocated == b.allocated);
	assert_true(blocks(to) <= 16 * MIB / 512);
	parts_clear(&parts);
	parts_clear(&read);
}

static void test_image(void **state)
{
	round_trip(OUTPUT_IMAGE);
}

static void test_file(void **state)
{
	round_trip(OUTPUT_FILE);
}

static void test_directory(void **state)
{
	char *from cleanup_free = in_dir("from"), *to cleanup_free = in_dir("to");
	char *parts cleanup_free = in_dir("x.parts");
	struct err *err cleanup_err = NULL, *wrong cleanup_err = NULL;
	int fd cleanup_fd = holed(from, 20ull * MIB), out cleanup_fd = -1;
	struct artifact a, b;

	identify(fd, OUTPUT_IMAGE, &a);
	ok(parts_dir_save(fd, from, &a, parts, &err), &err);
	ok(parts_dir_load(parts, &a, to, &err), &err);
	out = open(to, O_RDONLY | O_CLOEXEC);
	identify(out, OUTPUT_IMAGE, &b);
	assert_true(digest_eq(&a.digest, &b.digest));
	a.size--;
	unlink(to);
	assert_int_equal(parts_dir_load(parts, &a, to, &wrong), -1);
	assert_ptr_equal(wrong->code, E_REMOTE_DAMAGED);
}

/* The blocks of zeros of an image move nothing, whether the file has holes for them or not. */
static void test_zeros(void **state)
{
	char *path cleanup_free = in_dir("zeros");
	struct err *err cleanup_err = NULL;
	unsigned char *zeros cleanup_free = xcalloc(MIB, 1);
	int fd cleanup_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct parts parts = {0};

	for (size_t i = 0; i < 8; i++)
		ok(fd_write_all(fd, path, zeros, MIB, &err), &err);
	ok(fd_pwrite_all(fd, path, "x", 1, 3 * MIB + 4096, &err), &err);
	ok(parts_cut(fd, path, OUTPUT_IMAGE, NULL, NULL, &parts, &err), &err);
	assert_int_equal(parts.count, 1);
	assert_int_equal(parts.items[0].offset, 3 * MIB + 4096);
	assert_int_equal(parts.items[0].len, 4096);
	parts_clear(&parts);
}

/* --- hostile maps -------------------------------------------------------------------------- */

#define ID "5555555555555555555555555555555555555555555555555555555555555555"
#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define HEAD "orch-parts 1\nsize 1000\nidentity chunks:" ID "\n"

static int parse_map(const char *text, size_t len, size_t *ret_count)
{
	struct artifact a = {.name = "x", .type = OUTPUT_IMAGE, .size = 1000};
	struct err *err cleanup_err = NULL;
	struct parts parts = {0};
	int rc;

	assert_int_equal(digest_parse(ID, &a.digest), 0);
	rc = parts_map_parse(&a, text, len, &parts, &err);
	assert_true(rc == 0 || err->code == E_REMOTE_DAMAGED);
	*ret_count = parts.count;
	parts_clear(&parts);
	return rc;
}

static void test_hostile_maps(void **state)
{
	static const char *const maps[] = {
		"",
		"\n",
		"orch-parts 1",
		"orch-parts 2\nsize 1000\nidentity chunks:" ID "\n",
		"orch-parts 1\nsize 1001\nidentity chunks:" ID "\n",
		"orch-parts 1\nsize 01000\nidentity chunks:" ID "\n",
		"orch-parts 1\nsize 1000\nidentity sha256:" ID "\n",
		"orch-parts 1\nsize 1000\nidentity chunks:" D1 "\n",
		"orch-parts 1\nidentity chunks:" ID "\nsize 1000\n",
		HEAD "part 0 10 " D1,
		HEAD "part 0 0 " D1 "\n",
		HEAD "part 0 1001 " D1 "\n",
		HEAD "part 1000 1 " D1 "\n",
		HEAD "part 991 10 " D1 "\n",
		HEAD "part 18446744073709551615 1 " D1 "\n",
		HEAD "part 18446744073709551600 100 " D1 "\n",
		HEAD "part 18446744073709551616 1 " D1 "\n",
		HEAD "part -1 10 " D1 "\n",
		HEAD "part 0 -10 " D1 "\n",
		HEAD "part 0 4294967306 " D1 "\n",
		HEAD "part 0 1048577 " D1 "\n",
		HEAD "part 0 10 " D1 "\npart 0 10 " D1 "\n",
		HEAD "part 0 10 " D1 "\npart 9 10 " D1 "\n",
		HEAD "part 20 10 " D1 "\npart 0 10 " D1 "\n",
		HEAD "part 0 10 " D1 " \n",
		HEAD "part 0 10 " D1 "1\n",
		HEAD "part 0 10 111\n",
		HEAD "part 0 10\n",
		HEAD "part 0x0 10 " D1 "\n",
		HEAD "hole 0 10 " D1 "\n",
		HEAD "\n",
		HEAD "part 0 10 " D1 "\n\n",
		HEAD "part 0 10 zz11111111111111111111111111111111111111111111111111111111111111\n",
		HEAD "part 0 10 " D1 D1 D1 D1 "\n",
	};
	size_t count;

	for (size_t i = 0; i < array_len(maps); i++)
		if (parse_map(maps[i], strlen(maps[i]), &count) != -1)
			fail_msg("map %zu is taken", i);
	assert_int_equal(parse_map(HEAD "part 0 1\0 " D1 "\n", strlen(HEAD) + 76, &count), -1);
	assert_int_equal(parse_map(HEAD, strlen(HEAD), &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(parse_map(HEAD "part 10 990 " D1 "\n", strlen(HEAD) + 77, &count), 0);
	assert_int_equal(count, 1);
}

/* More parts than a map has; more bytes. */
static void test_large_maps(void **state)
{
	struct artifact a = {.name = "x", .type = OUTPUT_FILE, .size = 1 << 30};
	struct err *err cleanup_err = NULL, *large cleanup_err = NULL;
	struct str map cleanup_str = STR_INIT;
	struct parts parts = {0}, read = {0};

	for (size_t i = 0; i <= PARTS_PER_MAP; i++)
		parts_push(&parts, (struct part){.offset = i * 10, .len = 10});
	parts_map(&a, &parts, 0, parts.count, &map);
	assert_int_equal(parts_map_parse(&a, map.buf, map.len, &read, &err), -1);
	assert_int_equal(parts_map_parse(&a, map.buf, PARTS_MAP_MAX + 1, &read, &large), -1);
	parts_clear(&parts);
	parts_clear(&read);
}

/* A second volume may not begin before the first one ends. */
static void test_volumes(void **state)
{
	struct artifact a = {.name = "x", .type = OUTPUT_FILE, .size = 1000};
	struct err *err cleanup_err = NULL;
	struct str one cleanup_str = STR_INIT, two cleanup_str = STR_INIT;
	struct parts parts = {0}, read = {0};

	parts_push(&parts, (struct part){.offset = 0, .len = 10});
	parts_push(&parts, (struct part){.offset = 20, .len = 10});
	parts_map(&a, &parts, 0, 1, &one);
	parts_map(&a, &parts, 1, 1, &two);
	ok(parts_map_parse(&a, one.buf, one.len, &read, &err), &err);
	ok(parts_map_parse(&a, two.buf, two.len, &read, &err), &err);
	assert_int_equal(read.count, 2);
	assert_int_equal(parts_map_parse(&a, one.buf, one.len, &read, &err), -1);
	parts_clear(&parts);
	parts_clear(&read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_resync),
		DIR_TEST(test_image),
		DIR_TEST(test_file),
		DIR_TEST(test_directory),
		DIR_TEST(test_zeros),
		cmocka_unit_test(test_hostile_maps),
		cmocka_unit_test(test_large_maps),
		cmocka_unit_test(test_volumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
