/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images and files compared, most of which are holes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "media/disk/block_index.h"
#include "media/disk/blocks.h"
#include "media/tree/tree.h"
#include "tmp.h"

#define TB (UINT64_C(1) << 40)

/* A file of SIZE bytes, holes but for TEXT at AT; its path, heap. */
static char *sparse(const char *name, uint64_t size, uint64_t at, const char *text)
{
	char *path = path_join(dir, name);
	int fd cleanup_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(pwrite(fd, text, strlen(text), (off_t)at), strlen(text));
	return path;
}

static void compare(const char *a, const char *b, uint64_t at, uint64_t size, struct blocks *ret)
{
	const struct block_place before = {a, at, size}, after = {b, at, size};
	struct err *err cleanup_err = NULL;

	assert_int_equal(blocks_compare(&before, &after, ret, &err), 0);
}

/* A minute would not do for what has data in two blocks. */
static void test_holes(void **state)
{
	char *a cleanup_free = sparse("a", TB, TB / 2 + 4096, "one");
	char *b cleanup_free = sparse("b", TB, TB / 4 + 100, "two");
	struct blocks all cleanup_blocks = {0};

	compare(a, b, 0, TB, &all);
	assert_int_equal(all.blocks, TB / BLOCK_BYTES);
	assert_int_equal(all.zero, TB / BLOCK_BYTES - 1);
	assert_int_equal(all.changed, 2);
	assert_int_equal(all.fetched, 1);
	assert_int_equal(all.changes.count, 2);
	assert_int_equal(all.changes.items[0].at, TB / 4);
	assert_int_equal(all.changes.items[1].at, TB / 2 + 4096);
}

/* What a table says of a partition may be nonsense; a file has no more than it has. */
static void test_beyond_the_file(void **state)
{
	char *a cleanup_free = sparse("a", 10000, 5000, "one");
	char *b cleanup_free = sparse("b", 20000, 5000, "two");
	struct blocks all cleanup_blocks = {0}, none cleanup_blocks = {0};

	compare(a, b, 1000, UINT64_C(1) << 62, &all);
	assert_int_equal(all.changed, 1);
	assert_int_equal(all.blocks, UINT64_C(1) << 50);
	compare(a, b, UINT64_MAX - 100, UINT64_C(1) << 62, &none);
	assert_int_equal(none.changed, 0);
}

/* A partition that has moved to where no file reaches. */
static void test_other_place(void **state)
{
	char *a cleanup_free = sparse("a", 10000, 5000, "one");
	const struct block_place before = {a, UINT64_MAX - 100, TB}, after = {a, 0, TB};
	struct blocks all cleanup_blocks = {0};
	struct err *err cleanup_err = NULL;

	assert_int_equal(blocks_compare(&before, &after, &all, &err), 0);
	assert_int_equal(all.changed, 1);
}

/* One that has grown, or shrunk. */
static void test_other_size(void **state)
{
	char *a cleanup_free = sparse("a", 5 << 20, 5000, "one");
	char *b cleanup_free = sparse("b", 5 << 20, 3 << 20, "two");
	const struct block_place small = {a, 0, 2 << 20}, large = {b, 0, 5 << 20};
	struct blocks grown cleanup_blocks = {0}, shrunk cleanup_blocks = {0};
	struct err *err cleanup_err = NULL;

	assert_int_equal(blocks_compare(&small, &large, &grown, &err), 0);
	assert_int_equal(grown.changed, 2);
	assert_int_equal(blocks_compare(&large, &small, &shrunk, &err), 0);
	assert_int_equal(shrunk.changed, 1);
}

/* The last block of an image may be a part of one. */
static void test_odd_size(void **state)
{
	char *a cleanup_free = sparse("a", 8195, 8192, "abc");
	char *b cleanup_free = sparse("b", 8195, 8192, "abd");
	struct blocks all cleanup_blocks = {0}, less cleanup_blocks = {0};

	compare(a, b, 0, 8195, &all);
	assert_int_equal(all.blocks, 3);
	assert_int_equal(all.changed, 1);
	compare(a, b, 0, 8194, &less);
	assert_int_equal(less.changed, 0);
}

/* ---- files of trees ---- */

static uint64_t difference(struct tree_inode *a, struct tree_inode *b)
{
	uint64_t there = tree_inode_difference(a, b);

	assert_true(there == tree_inode_difference(b, a));
	return there;
}

#define FILE_OF(bytes, list)                                             \
	{                                                                \
		.mode = S_IFREG | 0644, .size = bytes, .segments = list, \
		.segment_count = array_len(list)                         \
	}

static void test_inodes(void **state)
{
	static char zeros[100];
	struct tree_segment whole[] = {{TB, 6, "abcdef"}};
	struct tree_segment parts[] = {{10, 100, zeros}, {TB, 3, "abc"}, {TB + 3, 3, "def"}};
	struct tree_segment other[] = {{TB, 6, "abcxef"}};
	struct tree_segment more[] = {{5, 1, "x"}, {TB, 6, "abcdef"}};
	struct tree_inode a = FILE_OF(2 * TB, whole), b = FILE_OF(2 * TB, parts);
	struct tree_inode c = FILE_OF(2 * TB, other), d = FILE_OF(2 * TB, more);
	struct tree_inode shorter = FILE_OF(TB + 6, whole);

	assert_true(difference(&a, &b) == UINT64_MAX);
	assert_true(difference(&a, &a) == UINT64_MAX);
	assert_true(difference(&a, &c) == TB + 3);
	assert_true(difference(&b, &c) == TB + 3);
	assert_true(difference(&b, &d) == 5);
	assert_true(difference(&a, &shorter) == TB + 6);
}

static bool are_same(const char *a, uint64_t a_at, const char *b, uint64_t b_at, uint64_t size)
{
	const struct block_place x = {a, a_at, size}, y = {b, b_at, size};
	struct err *err cleanup_err = NULL;
	bool same = false;

	assert_int_equal(blocks_same(&x, &y, &same, &err), 0);
	return same;
}

/* Of equal places holes are not read, and of one place nothing. */
static void test_same(void **state)
{
	char *a cleanup_free = sparse("same-a", TB, TB / 2, "one");
	char *b cleanup_free = sparse("same-b", TB, TB / 2, "one");
	char *c cleanup_free = sparse("same-c", TB, TB / 2, "onE");

	assert_true(are_same(a, 0, b, 0, TB));
	assert_true(are_same(a, 0, a, 0, TB));
	assert_false(are_same(a, 0, c, 0, TB));
	assert_true(are_same(a, 0, c, 0, TB / 2));
	assert_true(are_same(a, TB / 2, b, TB / 2, 3));
	assert_false(are_same(a, TB / 2, a, TB / 2 + 1, 3));
	assert_true(are_same(a, TB / 2, c, TB / 2, 2));
}

static void test_same_sizes(void **state)
{
	char *a cleanup_free = sparse("short", 100, 0, "one");
	const struct block_place x = {a, 0, 100}, y = {a, 0, 99};
	struct err *err cleanup_err = NULL;
	bool same = true;

	assert_int_equal(blocks_same(&x, &y, &same, &err), 0);
	assert_false(same);
}

/* The same as of each block read by itself, whether it is a hole or not. */
static void test_index(void **state)
{
	const uint64_t size = 3 * 1024 * 1024 + 8192, at = 1024 * 1024 + 3 * 4096 + 100;
	char *a cleanup_free = sparse("indexed", size, at, "one");
	struct block_index x cleanup_block_index = BLOCK_INDEX_INIT;
	struct err *err cleanup_err = NULL;
	unsigned char zeros[BLOCK_BYTES] = {0}, one[BLOCK_BYTES] = {0};
	struct digest whole, of_zeros, of_one;

	memcpy(one + 100, "one", 3);
	digest_data(zeros, sizeof(zeros), &of_zeros);
	digest_data(one, sizeof(one), &of_one);
	assert_int_equal(block_index_make(a, "it", &x, &err), 0);
	assert_int_equal(digest_file(a, &whole, &err), 0);
	assert_true(digest_eq(&x.image, &whole));
	assert_int_equal(x.size, size);
	assert_int_equal(x.hashes.len, size / BLOCK_BYTES * BLOCK_INDEX_BYTES);
	for (uint64_t i = 0; i < size / BLOCK_BYTES; i++)
		assert_memory_equal(x.hashes.buf + i * BLOCK_INDEX_BYTES,
				    i == at / BLOCK_BYTES ? of_one.b : of_zeros.b,
				    BLOCK_INDEX_BYTES);
}

static void test_index_of_odd_size(void **state)
{
	char *a cleanup_free = sparse("odd", 8193, 0, "one"),
		*b cleanup_free = sparse("none", 0, 0, "");
	struct block_index x cleanup_block_index = BLOCK_INDEX_INIT;
	struct err *err = NULL;

	assert_int_equal(block_index_make(a, "it", &x, &err), -1);
	assert_string_equal(err->text,
			    "'it' has 8193 bytes: RAUC makes an index only of whole blocks "
			    "of 4096");
	err_free(err);
	err = NULL;
	assert_int_equal(block_index_make(b, "it", &x, &err), -1);
	err_free(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIR_TEST(test_holes),       DIR_TEST(test_beyond_the_file),
		DIR_TEST(test_other_place), DIR_TEST(test_other_size),
		DIR_TEST(test_odd_size),    cmocka_unit_test(test_inodes),
		DIR_TEST(test_same),        DIR_TEST(test_same_sizes),
		DIR_TEST(test_index),       DIR_TEST(test_index_of_odd_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
