/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a change of a tree changes in its ext4, and that one which is full is whole. */
#include "media.h"
#include "tree-help.h"

#include "media/disk/blocks.h"
#include "media/ext4/ext4.h"

#define EPOCH 1700000000
#define SIZE (32u << 20)
#define BLOCK 4096

static const unsigned char uuid[16] = {0x12, 0x34, 0x56, 0x78, 0, 0, 0x80};
static const unsigned char seed[16] = {7, 7, 7};
/* Of what test_numbers_stay() writes. */
#define INODE_OF_PASSWD "1889"
#define BLOCK_OF_PASSWD "6926"

static struct ext4_layout told;

static int write_image(struct tree *t, const char *name, uint64_t size, struct err **err)
{
	struct ext4_opts opts = {.size = size,
				 .uuid = uuid,
				 .seed = seed,
				 .label = "root",
				 .reserved_percent = 1,
				 .told = &told};

	blank(name, size);
	return ext4_write(t, at(name), 0, "partition 'root'", &opts, err);
}

static void check(const char *name)
{
	RUN("e2fsck", "-fn", (char *)name);
}

/* Numbers that look like chance: the same in each run. */
static unsigned draw(unsigned *state, unsigned below)
{
	*state = *state * 1103515245 + 12345;
	return (*state >> 8) % below;
}

/* LEN bytes that no other file has. */
static void put_file(struct tree *t, const char *path, size_t len)
{
	char *data cleanup_free = xmalloc(len + 1);
	struct err *err = NULL;
	unsigned state = 0;

	for (const char *p = path; *p; p++)
		state = state * 31 + (unsigned char)*p;
	for (size_t i = 0; i < len; i++)
		data[i] = (char)draw(&state, 256);
	ok(tree_add_file(t, path, 0644, data, len, &err), &err);
}

/* Like a root: many small files, a few large ones, directories of all sizes. Half of SIZE. */
static struct tree *root(void)
{
	struct tree *t = tree_new(EPOCH, dir);
	unsigned state = 1;

	for (unsigned i = 0; i < 700; i++) {
		unsigned d = draw(&state, 12), e = draw(&state, 5 * d + 1);
		char path[64];

		snprintf(path, sizeof(path), "d%u/e%u/f%04u", d, e, i);
		put_file(t, path, draw(&state, 20) ? draw(&state, 9000) : draw(&state, 400000));
	}
	return t;
}

static void compare(const char *before, const char *after, struct blocks *ret)
{
	struct block_place a = {at(before), 0, SIZE}, b = {at(after), 0, SIZE};
	struct err *err = NULL;

	ok(blocks_compare(&a, &b, ret, &err), &err);
}

/* Each of them in turn, on the tree as it was; so many blocks differ in the worst case. */
enum change { ADD, ADD_DIRECTORY, REMOVE, GROW, SHRINK, LINK, CHANGES };

static uint64_t blocks_of_change(enum change change, unsigned number)
{
	struct tree *t cleanup_tree = root();
	struct err *err = NULL;
	char path[64], other[72];
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);
	const struct tree_entry *e = entries[(number * 97 + 13) % count];
	struct blocks b cleanup_blocks = {0};

	while (!S_ISREG(e->inode->mode))
		e = entries[(++number * 97 + 13) % count];
	snprintf(path, sizeof(path), "%s", e->path);
	snprintf(other, sizeof(other), "%.*s%u", (int)strcspn(path, "f"), path, number);
	if (change == ADD)
		put_file(t, other, 2);
	for (unsigned i = 0; change == ADD_DIRECTORY && i < 4; i++) {
		snprintf(other, sizeof(other), "d%u/new/%u", number % 12, i);
		put_file(t, other, 3000);
	}
	if (change == REMOVE) {
		snprintf(other, sizeof(other), "/%s", path);
		ok(tree_remove(t, other, &count, &err), &err);
	}
	if (change == GROW)
		put_file(t, path, e->inode->size + BLOCK);
	if (change == SHRINK)
		put_file(t, path, e->inode->size / 2);
	if (change == LINK)
		ok(tree_link(t, other, e->inode, 0, &err), &err);
	ok(write_image(t, "after.img", SIZE, &err), &err);
	check("after.img");
	compare("before.img", "after.img", &b);
	return b.changed;
}

static void test_changes_are_small(void **state)
{
	struct tree *t cleanup_tree = root();
	struct err *err = NULL;

	ok(write_image(t, "before.img", SIZE, &err), &err);
	check("before.img");
	assert_int_equal(told.order, EXT4_BY_NAME_WITH_ROOM);
	assert_true(told.pieces <= told.files + 8);
	for (int change = 0; change < CHANGES; change++) {
		uint64_t all = 0, most = 0;

		for (unsigned i = 0; i < 3; i++) {
			uint64_t n = blocks_of_change((enum change)change, i);

			all += n;
			most = n > most ? n : most;
		}
		print_message("change %d: %llu blocks in three, at most %llu\n", change,
			      (unsigned long long)all, (unsigned long long)most);
		assert_true(all <= 3 * 60);
		assert_true(most <= 100);
	}
}

/* Images of equal trees are equal, whatever they were made of and in which order. */
static void test_order_of_making(void **state)
{
	struct tree *one cleanup_tree = tree_new(EPOCH, dir);
	struct tree *two cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	char path[32];

	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "%d/%d", i % 7, i);
		put_file(one, path, 100);
		snprintf(path, sizeof(path), "%d/%d", (99 - i) % 7, 99 - i);
		put_file(two, path, 100);
	}
	ok(write_image(one, "one.img", SIZE, &err), &err);
	ok(write_image(two, "two.img", SIZE, &err), &err);
	assert_true(same("one.img", "two.img"));
}

/* Devices have such images: whoever changes these numbers makes an update of everything. */
static void test_numbers_stay(void **state)
{
	struct tree *t cleanup_tree = root();
	struct err *err = NULL;
	char *stat cleanup_free = NULL;

	put_file(t, "etc/passwd", 100);
	ok(write_image(t, "numbers.img", SIZE, &err), &err);
	stat = OUTPUT("debugfs", "-R", "stat /etc/passwd", "numbers.img");
	has(stat, "Inode: " INODE_OF_PASSWD " ");
	has(stat, "(0):" BLOCK_OF_PASSWD "\n");
}

/* The content of both as tars. */
static void same_content(struct tree *t, const char *image)
{
	struct tree *back cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	ok(ext4_read_tree(back, at(image), 0, &err), &err);
	RUN("rm", "-f", "t.tar", "back.tar");
	ok(tree_write_tar(t, at("t.tar"), &err), &err);
	ok(tree_write_tar(back, at("back.tar"), &err), &err);
	assert_true(same("t.tar", "back.tar"));
}

/* From much too small on: refused with the remedy, or whole, however it was laid out. */
static void test_full(void **state)
{
	struct tree *t cleanup_tree = root();
	bool seen[EXT4_IN_ORDER + 1] = {false};
	struct err *err = NULL;
	struct tree_inode *n = add(t, "home/pieces", S_IFREG | 0600);

	for (uint64_t i = 0; i < 600; i++)
		ok(tree_inode_append(t, n, i * 40 * BLOCK, "piece", 5, &err), &err);
	for (uint64_t size = 10 << 20; size < SIZE; size += size / 40 / BLOCK * BLOCK) {
		int rc = write_image(t, "full.img", size, &err);

		if (rc < 0) {
			refused(rc, &err, "raise its size");
			continue;
		}
		if (seen[told.order])
			continue;
		check("full.img");
		same_content(t, "full.img");
		seen[told.order] = true;
	}
	assert_true(seen[EXT4_BY_NAME] && seen[EXT4_BY_NAME_WITH_ROOM]);
}

/* A file that leaves no free run for the next one of its size, and no place of its own for it. */
static void test_two_large_files(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	put_file(t, "a", 14 << 20);
	put_file(t, "b", 13 << 20);
	for (unsigned i = 0; i < 8; i++) {
		char path[32];

		snprintf(path, sizeof(path), "small/%u", i);
		put_file(t, path, 5000 * (size_t)i);
	}
	ok(write_image(t, "two-large.img", SIZE, &err), &err);
	assert_int_equal(told.order, EXT4_IN_ORDER);
	check("two-large.img");
	same_content(t, "two-large.img");
}

/* Blocks that libext2fs takes by itself come out of what no file was given. */
static void test_attributes_and_extents(void **state)
{
	struct tree *t cleanup_tree = root();
	struct err *err = NULL;
	char value[2000];

	memset(value, 'v', sizeof(value));
	for (unsigned i = 0; i < 120; i++) {
		char path[32];
		struct tree_inode *n;

		snprintf(path, sizeof(path), "x/%u", i);
		n = add(t, path, i % 3 ? S_IFREG | 0644 : S_IFDIR | 0755);
		tree_inode_xattr(t, n, "user.large", value, sizeof(value) - i);
		for (uint64_t k = 0; i % 3 == 1 && k < 40; k++)
			ok(tree_inode_append(t, n, k * 20 * BLOCK, path, 4, &err), &err);
	}
	ok(write_image(t, "attributes.img", SIZE, &err), &err);
	check("attributes.img");
	same_content(t, "attributes.img");
	ok(write_image(t, "again.img", SIZE, &err), &err);
	assert_true(same("attributes.img", "again.img"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes_are_small),
		cmocka_unit_test(test_order_of_making),
		cmocka_unit_test(test_numbers_stay),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_two_large_files),
		cmocka_unit_test(test_attributes_and_extents),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
