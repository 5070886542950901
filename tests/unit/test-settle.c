/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include "media/ext4/ext4.h"

#define EPOCH 1700000000

static const unsigned char seed[16] = {7, 7, 7, 7, 7, 7, 0x87, 7, 0x87, 7, 7, 7, 7, 7, 7, 7};

/* An ext4 by the distribution's mke2fs with what lies in DIR/src, made at clock time NOW. */
static void make(const char *name, const char *now)
{
	char *path = (char *)at(name), *src = (char *)at("src");
	char *clock cleanup_free = xasprintf("E2FSPROGS_FAKE_TIME=%s", now);

	blank(name, 16 << 20);
	RUN("env", clock, "mke2fs", "-q", "-t", "ext4", "-O",
	    "^metadata_csum,^metadata_csum_seed,^64bit,^orphan_file", "-U",
	    "11111111-2222-8333-8444-555555555558", "-E",
	    "hash_seed=07070707-0707-8707-8707-070707070707", "-d", src, path);
	RUN("env", clock, "debugfs", "-w", "-R", "rm /etc/gone", path);
}

static bool equal(const char *a, const char *b)
{
	struct digest da, db;
	struct err *err = NULL;

	ok(digest_file(at(a), &da, &err), &err);
	ok(digest_file(at(b), &db, &err), &err);
	return digest_eq(&da, &db);
}

static void test_settle(void **state)
{
	struct err *err = NULL;
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);

	ok(path_mkdirs(at("src/etc"), &err), &err);
	ok(file_write(at("src/etc/hostname"), "device\n", 7, 0644, false, &err), &err);
	ok(file_write(at("src/etc/gone"), "x", 1, 0644, false, &err), &err);
	make("a.img", "1710000000");
	make("b.img", "1720000001");
	assert_false(equal("a.img", "b.img"));
	ok(ext4_settle(at("a.img"), 0, "a", seed, EPOCH, EPOCH, &err), &err);
	ok(ext4_settle(at("b.img"), 0, "b", seed, EPOCH, EPOCH, &err), &err);
	assert_true(equal("a.img", "b.img"));
	RUN("e2fsck", "-fn", (char *)at("a.img"));
	ok(ext4_read_tree(t, at("a.img"), 0, &err), &err);
	assert_int_equal(tree_lookup(t, "etc/hostname")->inode->size, 7);
	ok(ext4_settle(at("a.img"), 0, "a", seed, EPOCH, EPOCH, &err), &err);
	assert_true(equal("a.img", "b.img"));
}

#define SINCE (EPOCH + 1000)
#define PACKAGE (SINCE + 86400)   /* later than the clock of who unpacked it */
#define LATER INT64_C(4300000000) /* more than 32 bits */

static void add(struct tree *t, const char *path, int64_t mtime)
{
	struct err *err = NULL;

	ok(tree_link(t, path, tree_inode_new(t, S_IFREG | 0644, 0, 0, mtime), 0, &err), &err);
}

static int64_t time_of(const struct tree *t, const char *path)
{
	return tree_lookup(t, path)->inode->mtime;
}

/* What a kernel changed gets the epoch; what was given a time keeps it, be it later. */
static void test_times(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir), *back cleanup_tree = tree_new(0, dir);
	struct tree *settled cleanup_tree = tree_new(0, dir);
	struct ext4_opts opts = {.size = 16 << 20, .uuid = seed, .seed = seed};
	struct err *err = NULL;

	add(t, "old", EPOCH - 1000);
	add(t, "made", SINCE + 5);
	add(t, "package", PACKAGE);
	add(t, "later", LATER);
	blank("times.img", 16 << 20);
	ok(ext4_write(t, at("times.img"), 0, "x", &opts, &err), &err);
	for (size_t i = 0; i < 4; i++) {
		static const char *const files[] = {"old", "made", "package", "later"};
		char *set cleanup_free = xasprintf("sif /%s ctime @%d", files[i], SINCE + 5);

		RUN("debugfs", "-w", "-R", set, "times.img");
	}
	ok(ext4_read_tree(back, at("times.img"), 0, &err), &err);
	tree_settle_times(back, SINCE);
	assert_int_equal(time_of(back, "old"), EPOCH - 1000);
	assert_int_equal(time_of(back, "made"), 0); /* the epoch of that tree */
	assert_int_equal(time_of(back, "package"), PACKAGE);
	assert_int_equal(time_of(back, "later"), LATER);
	ok(ext4_settle(at("times.img"), 0, "x", seed, EPOCH, SINCE, &err), &err);
	ok(ext4_read_tree(settled, at("times.img"), 0, &err), &err);
	assert_int_equal(time_of(settled, "old"), EPOCH - 1000);
	assert_int_equal(time_of(settled, "made"), EPOCH);
	assert_int_equal(time_of(settled, "package"), PACKAGE);
	assert_int_equal(time_of(settled, "later"), LATER);
}

static void test_refused(void **state)
{
	struct err *err cleanup_err = NULL;

	blank("zero.img", 1 << 20);
	assert_int_equal(ext4_settle(at("zero.img"), 0, "partition 'x'", seed, EPOCH, EPOCH, &err),
			 -1);
	assert_non_null(strstr(err->text, "partition 'x'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_settle),
					   cmocka_unit_test(test_times),
					   cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
