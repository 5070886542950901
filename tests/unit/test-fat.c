/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include "media/fat/fat.h"
#include "media/fat/fat_name.h"

#define EPOCH 1700000000
#define M ((uint64_t)1 << 20)

static int write_image(struct tree *t, const char *name, uint64_t size, struct err **err)
{
	struct fat_opts opts = {.size = size, .volume = 0x12345678, .label = "BOOT"};

	blank(name, size);
	return fat_write(t, at(name), 0, "partition 'boot'", &opts, err);
}

static void fsck(const char *name)
{
	RUN("fsck.fat", "-n", (char *)name);
}

static void add(struct tree *t, const char *path, const char *text)
{
	struct err *err = NULL;

	ok(tree_add_file(t, path, 0644, text, strlen(text), &err), &err);
}

static struct tree *sample(void)
{
	struct tree *t = tree_new(EPOCH, dir);
	struct err *err = NULL;
	char *big = xmalloc(300000);

	memset(big, 'b', 300000);
	add(t, "config.txt", "kernel=u-boot.bin\n");
	add(t, "CMDLINE.TXT", "x");
	add(t, "EMPTY", "");
	add(t, "EFI/BOOT/BOOTAA64.EFI", "MZ");
	add(t, "loader/entries/debian 6.12.conf", "title Debian\n");
	add(t, "bcm2711-rpi-400.dtb", "one");
	add(t, "bcm2711-rpi-4-b.dtb", "two");
	add(t, "caf\xc3\xa9 \xf0\x9f\x90\xa7.txt", "utf");
	add(t, ".hidden", "h");
	ok(tree_add_file(t, "overlays/big.dtbo", 0644, big, 300000, &err), &err);
	free(big);
	return t;
}

static void check_content(const char *image)
{
	char *list cleanup_free = NULL, *text cleanup_free = NULL, *info cleanup_free = NULL;

	fsck(image);
	setenv("TZ", "UTC", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	list = OUTPUT("mdir", "-i", (char *)image, "-/", "-a", "::");
	has(list, "Volume in drive : is BOOT");
	has(list, "Volume Serial Number is 1234-5678");
	has(list, "BCM271~1 DTB         3 2023-11-14  22:13  bcm2711-rpi-4-b.dtb");
	has(list, "BCM271~2 DTB         3 2023-11-14  22:13  bcm2711-rpi-400.dtb");
	has(list, "CMDLINE  TXT         1 2023-11-14  22:13 \n");
	has(list, "CONFIG   TXT        18 2023-11-14  22:13  config.txt");
	has(list, "DEBIAN~1 CON        13 2023-11-14  22:13  debian 6.12.conf");
	has(list, "BOOTAA64 EFI         2 2023-11-14  22:13 \n");
	has(list, ".hidden");
	text = OUTPUT("mtype", "-i", (char *)image, "::loader/entries/debian 6.12.conf");
	assert_string_equal(text, "title Debian\n");
	RUN("mcopy", "-n", "-i", (char *)image, "::overlays/big.dtbo", "big");
	info = OUTPUT("sh", "-c", "tr -d b <big | wc -c; wc -c <big");
	assert_string_equal(info, "0\n300000\n");
	RUN("rm", "big");
}

static void test_fat32(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct err *err = NULL;
	char *type cleanup_free = NULL;
	struct stat st;

	ok(write_image(t, "a.img", 64 * M, &err), &err);
	ok(write_image(t, "b.img", 64 * M, &err), &err);
	assert_true(same("a.img", "b.img"));
	check_content("a.img");
	type = OUTPUT("blkid", "-p", "-o", "export", "a.img");
	has(type, "VERSION=FAT32\n");
	has(type, "LABEL=BOOT\n");
	has(type, "UUID=1234-5678\n");
	assert_int_equal(stat(at("a.img"), &st), 0);
	assert_true(st.st_blocks * 512 < 2 << 20);
}

static void test_fat16(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct err *err = NULL;
	char *type cleanup_free = NULL;

	ok(write_image(t, "c.img", 16 * M, &err), &err);
	check_content("c.img");
	type = OUTPUT("blkid", "-p", "-o", "export", "c.img");
	has(type, "VERSION=FAT16\n");
}

/* Sizes around the borders between the types and cluster sizes. */
static void test_sizes(void **state)
{
	static const uint64_t sizes[] = {5 * M,   31 * M,   32 * M,        33 * M,
					 34 * M,  260 * M,  261 * M - 512, 261 * M,
					 512 * M, 2048 * M, 20000 * M};
	struct tree *t cleanup_tree = sample();
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(sizes); i++) {
		ok(write_image(t, "s.img", sizes[i], &err), &err);
		fsck("s.img");
	}
	refused(write_image(t, "s.img", 1 * M, &err), &err, "no size for FAT");
}

static void test_many_names(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	char name[300];
	char *list cleanup_free = NULL;

	for (int i = 0; i < 1500; i++) {
		snprintf(name, sizeof(name), "overlays/overlay-number-%d.dtbo", i);
		add(t, name, "x");
	}
	snprintf(name, sizeof(name), "%0250d", 7);
	add(t, name, "long");
	ok(write_image(t, "m.img", 64 * M, &err), &err);
	fsck("m.img");
	list = OUTPUT("sh", "-c", "mdir -b -i m.img ::overlays | wc -l");
	assert_string_equal(list, "1500\n");
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "file-with-a-long-name-%d", i);
		add(t, name, "x");
	}
	refused(write_image(t, "m.img", 8 * M, &err), &err, "too many files for FAT16");
}

/* A file must be read by its own name whatever short names the others get. */
static void test_names_like_short_ones(void **state)
{
	static const char *const files[] = {"longfilename.txt", "longfi~1.txt", "kernel8.image",
					    "kernel~1.ima",     "KERNEL~2.IMA", "long file.txt",
					    "longfi~2.txt",     "A B",          "AB~1"};
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(files); i++)
		add(t, files[i], files[i]);
	ok(write_image(t, "n.img", 8 * M, &err), &err);
	fsck("n.img");
	for (size_t i = 0; i < array_len(files); i++) {
		char *place cleanup_free = xasprintf("::%s", files[i]);
		char *text cleanup_free = OUTPUT("mtype", "-i", "n.img", place);

		assert_string_equal(text, files[i]);
	}
}

static void test_case_of_any_letter(void **state)
{
	static const char *const pairs[][2] = {
		{"\xc3\x84rger", "\xc3\xa4rger"},   /* A and a with dots */
		{"\xd0\x96", "\xd0\xb6"},           /* Cyrillic zhe */
		{"\xce\xa3", "\xcf\x83"},           /* sigma */
		{"x\xc4\x80.TXT", "X\xc4\x81.txt"}, /* A and a with a bar */
		{"\xe2\x84\xaa"
		 "elvin",
		 "kelvin"},                   /* the sign for kelvin */
		{"\xe2\x84\xab", "\xc3\xa5"}, /* that for angstrom, and the letter */
		{"\xc5\xbf", "S"},            /* long s */
	};
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(pairs); i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);

		add(t, pairs[i][0], "one");
		ok(write_image(t, "c.img", 8 * M, &err), &err);
		add(t, pairs[i][1], "two");
		refused(write_image(t, "c.img", 8 * M, &err), &err, "only in upper and lower case");
	}
}

/* Turkish has a small letter for it; nobody else takes it for an i. */
static void test_other_letters(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	add(t, "\xc4\xb0", "I with a dot");
	add(t, "i", "i");
	ok(write_image(t, "o.img", 8 * M, &err), &err);
}

static void test_limits(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct tree_inode *inode;
	struct err *err = NULL;
	size_t removed;
	char name[64];

	/* 65536 entries of 32 bytes: "." and "..", and two for each of these names. */
	for (int i = 0; i < 32767; i++) {
		snprintf(name, sizeof(name), "d/f%d.x", i);
		add(t, name, "");
	}
	ok(write_image(t, "l.img", 64 * M, &err), &err);
	fsck("l.img");
	add(t, "d/one-more", "");
	refused(write_image(t, "l.img", 64 * M, &err), &err, "directory '/d' has too many files");
	ok(tree_remove(t, "/d", &removed, &err), &err);
	inode = tree_inode_new(t, S_IFREG | 0644, 0, 0, EPOCH);
	inode->size = 1ull << 32;
	ok(tree_link(t, "large.bin", inode, 0, &err), &err);
	refused(write_image(t, "l.img", 64 * M, &err), &err, "'/large.bin' is larger than");
}

static void test_at_an_offset(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct fat_opts opts = {.size = 40 * M, .volume = 1};
	struct err *err = NULL;

	blank("disk.img", 44 * M);
	ok(fat_write(t, at("disk.img"), 2 * M, "boot", &opts, &err), &err);
	RUN("dd", "if=disk.img", "of=part.img", "bs=1M", "skip=2", "count=40", "status=none");
	fsck("part.img");
	RUN("dd", "if=disk.img", "of=rest.img", "bs=1M", "skip=42", "status=none");
	blank("zero", 2 * M);
	assert_true(same("rest.img", "zero"));
}

/* A name has 255 units of UTF-16 at most, of which some characters take two. */
static void test_longest_name(void **state)
{
	static const char pair[] = "\xf0\x9f\x98\x80";
	struct tree *t cleanup_tree = sample();
	struct arena *arena cleanup_arena = arena_new();
	struct map taken cleanup_map = {0};
	char name[300] = {0};
	struct fat_name n;
	struct err *err = NULL;

	memset(name, 'a', 255);
	assert_null(fat_name_long(name, &taken, arena, &n));
	assert_int_equal(n.len, 255);
	add(t, name, "long");
	ok(write_image(t, "long.img", 64 * M, &err), &err);
	fsck("long.img");
	memset(name, 'a', 256);
	assert_string_equal(fat_name_long(name, &taken, arena, &n), "is too long for FAT");
	memcpy(name + 253, pair, sizeof(pair));
	assert_null(fat_name_long(name, &taken, arena, &n));
	assert_int_equal(n.len, 255);
	memset(name, 'a', 254);
	memcpy(name + 254, pair, sizeof(pair));
	assert_string_equal(fat_name_long(name, &taken, arena, &n), "is too long for FAT");
}

static void test_refused(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct err *err = NULL;
	char *data cleanup_free = xcalloc(1, 9 * M);
	size_t removed;

	add(t, "Config.TXT", "twice");
	refused(write_image(t, "r.img", 64 * M, &err), &err, "only in upper and lower case");
	ok(tree_remove(t, "/Config.TXT", &removed, &err), &err);
	add(t, "a:b", "");
	refused(write_image(t, "r.img", 64 * M, &err), &err, "the name '/a:b' has a character");
	ok(tree_remove(t, "/a:b", &removed, &err), &err);
	add(t, "bad\xff", "");
	refused(write_image(t, "r.img", 64 * M, &err), &err, "not valid UTF-8");
	ok(tree_remove(t, "/bad*", &removed, &err), &err);
	ok(tree_add_symlink(t, "link", "config.txt", &err), &err);
	refused(write_image(t, "r.img", 64 * M, &err), &err, "'/link' is a symbolic link");
	ok(tree_remove(t, "/link", &removed, &err), &err);
	ok(tree_add_file(t, "large", 0644, data, 9 * M, &err), &err);
	refused(write_image(t, "r.img", 8 * M, &err), &err,
		"partition 'boot': its content needs 9.3 MiB");
	ok(write_image(t, "r.img", 64 * M, &err), &err);
	fsck("r.img");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fat32),
		cmocka_unit_test(test_fat16),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_names_like_short_ones),
		cmocka_unit_test(test_case_of_any_letter),
		cmocka_unit_test(test_other_letters),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_at_an_offset),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
