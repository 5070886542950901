/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FAT file systems that others wrote: read as mtools read them, or refused. */
#include "media.h"

#include "media/fat/fat.h"

#define EPOCH 1700000000
#define K ((uint64_t)1 << 10)
#define M ((uint64_t)1 << 20)

/* ---- file systems of mkfs.fat and mtools ---- */

static void make(const char *name, uint64_t size, const char *bits, const char *cluster)
{
	blank(name, size);
	RUN("mkfs.fat", "-F", (char *)bits, "-s", (char *)cluster, "-n", "LABEL", "-i", "12345678",
	    (char *)name);
}

static void copy_in(const char *image, const char *text, const char *to)
{
	char *place cleanup_free = xasprintf("::%s", to);

	put("source", text);
	RUN("touch", "-d", "2023-11-14T22:13:20Z", "source");
	RUN("mcopy", "-m", "-o", "-i", (char *)image, "source", place);
}

/* Text that is another one in each of its LEN bytes' neighbourhoods. Heap. */
static char *numbers(size_t len)
{
	struct str s = STR_INIT;

	for (unsigned i = 0; s.len < len; i++)
		str_printf(&s, "%u\n", i);
	s.buf[len] = '\0';
	return str_steal(&s);
}

/* Names of all sorts, and a file in several pieces. */
static void fill(const char *image)
{
	char *small cleanup_free = numbers(3000), *large cleanup_free = numbers(60000);

	setenv("TZ", "UTC", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("MTOOLS_SKIP_CHECK", "1", 1);
	copy_in(image, small, "gap-1");
	copy_in(image, "SHORT", "SHORT.TXT");
	copy_in(image, small, "gap-2");
	copy_in(image, "lower", "lower.txt");
	copy_in(image, "", "EMPTY");
	copy_in(image, "mixed", "Mixed Case and more.conf");
	copy_in(image, "utf", "a long caf\xc3\xa9 \xe2\x98\x83.txt");
	copy_in(image, "page", "CAF\xc3\x89");
	RUN("mmd", "-i", (char *)image, "::dir", "::dir/a longer directory");
	copy_in(image, "below", "dir/a longer directory/x");
	copy_in(image, small, "dir/gap-3");
	RUN("mdel", "-i", (char *)image, "::gap-1", "::gap-2", "::dir/gap-3");
	copy_in(image, large, "pieces");
	RUN("mattrib", "+r", "-i", (char *)image, "::lower.txt");
}

static struct tree *read_image(const char *name, uint64_t offset, uint64_t size)
{
	struct tree *t = tree_new(EPOCH, dir);
	struct err *err = NULL;

	ok(fat_read_tree(t, at(name), offset, size, &err), &err);
	return t;
}

/* All paths as "mdir -b" has them, sorted. Heap. */
static char *paths_of(struct tree *t)
{
	struct strv lines cleanup_strv = {0};
	struct str s = STR_INIT;
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 1; i < count; i++)
		strv_printf(&lines, "::/%s%s", entries[i]->path,
			    S_ISDIR(entries[i]->inode->mode) ? "/" : "");
	strv_sort(&lines);
	for (size_t i = 0; i < lines.count; i++)
		str_printf(&s, "%s\n", lines.items[i]);
	return str_steal(&s);
}

static void check_file(const char *image, struct tree *t, const char *path)
{
	char *place cleanup_free = xasprintf("::%s", path);
	char *theirs cleanup_free = OUTPUT("mtype", "-i", (char *)image, place);
	char *ours cleanup_free = tree_inode_text(tree_lookup(t, path)->inode, M);

	assert_non_null(ours);
	assert_string_equal(ours, theirs);
	assert_int_equal(tree_lookup(t, path)->inode->mtime, EPOCH);
}

static void check_like_mtools(const char *image, size_t *ret_pieces)
{
	static const char *const files[] = {"SHORT.TXT",
					    "lower.txt",
					    "EMPTY",
					    "Mixed Case and more.conf",
					    "a long caf\xc3\xa9 \xe2\x98\x83.txt",
					    "CAF\xc3\x89",
					    "dir/a longer directory/x",
					    "pieces"};
	struct tree *t cleanup_tree = read_image(image, 0, UINT64_MAX);
	char *command cleanup_free = xasprintf("mdir -b -a -/ -i %s :: | LC_ALL=C sort", image);
	char *theirs cleanup_free = OUTPUT("sh", "-c", command), *ours cleanup_free = paths_of(t);

	assert_string_equal(ours, theirs);
	for (size_t i = 0; i < array_len(files); i++)
		check_file(image, t, files[i]);
	assert_int_equal(tree_lookup(t, "lower.txt")->inode->mode, S_IFREG | 0555);
	assert_int_equal(tree_lookup(t, "SHORT.TXT")->inode->mode, S_IFREG | 0755);
	*ret_pieces += tree_lookup(t, "pieces")->inode->segment_count;
}

static void test_others(void **state)
{
	static const struct {
		uint64_t size;
		const char *bits, *cluster;
	} sorts[] = {
		{1440 * K, "12", "1"}, {8 * M, "16", "2"}, {40 * M, "32", "1"}, {M, "12", "8"}};
	size_t pieces = 0;

	for (size_t i = 0; i < array_len(sorts); i++) {
		make("other.img", sorts[i].size, sorts[i].bits, sorts[i].cluster);
		fill("other.img");
		check_like_mtools("other.img", &pieces);
	}
	assert_true(pieces > array_len(sorts)); /* mtools leave gaps on FAT32 */
}

/* Bytes from 0x80 on of a short name without a long one. */
static void test_code_page(void **state)
{
	struct tree *t cleanup_tree = NULL;
	unsigned char slot[32] = "\x05\x8e      B  ";
	int fd;

	make("page.img", 1440 * K, "12", "1");
	copy_in("page.img", "x", "X");
	fd = open(at("page.img"), O_RDWR | O_CLOEXEC);
	/* one boot sector, two tables of 9: then the root, with label and file */
	assert_int_equal(pwrite(fd, slot, 11, 19 * 512 + 32), 11);
	close(fd);
	t = read_image("page.img", 0, UINT64_MAX);
	/* 0x05 stands for 0xe5, sigma; 0x8e is A with two dots */
	assert_non_null(tree_lookup(t, "\xcf\x83\xc3\x84.B"));
}

/* ---- what orch wrote ---- */

static void test_own(void **state)
{
	static const uint64_t sizes[] = {8 * M, 40 * M};
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(sizes); i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir), *back cleanup_tree = NULL;
		struct fat_opts opts = {.size = sizes[i], .volume = 1, .label = "OWN"};
		char *text cleanup_free = numbers(100000), *got cleanup_free = NULL;
		char *ours cleanup_free = NULL, *theirs cleanup_free = NULL;
		char name[256];

		ok(tree_add_file(t, "\xf0\x9f\x90\xa7 two units", 0644, "x", 1, &err), &err);
		memset(name, 'n', 255);
		name[255] = '\0';
		ok(tree_add_file(t, "a/b/C.TXT", 0644, text, 100000, &err), &err);
		ok(tree_add_file(t, name, 0644, "x", 1, &err), &err);
		for (int k = 0; k < 400; k++) {
			char path[32];

			snprintf(path, sizeof(path), "many/file number %d", k);
			ok(tree_add_file(t, path, 0644, path, 3, &err), &err);
		}
		blank("own.img", M + sizes[i]);
		ok(fat_write(t, at("own.img"), M, "x", &opts, &err), &err);
		back = read_image("own.img", M, sizes[i]);
		ours = paths_of(t);
		theirs = paths_of(back);
		assert_string_equal(ours, theirs);
		got = tree_inode_text(tree_lookup(back, "a/b/C.TXT")->inode, M);
		assert_string_equal(got, text);
	}
}

/* ---- whose clusters are ---- */

struct told {
	struct str owners;
	uint64_t free, owned;
};

static void take_owner(void *arg, uint64_t place, uint64_t size, const char *name)
{
	struct told *t = arg;

	str_printf(&t->owners, "%s %llu\n", name, (unsigned long long)size);
	t->owned += size;
}

static void take_free(void *arg, uint64_t place, uint64_t size)
{
	struct told *t = arg;

	t->free += size;
}

static void test_owners(void **state)
{
	struct told t = {.owners = STR_INIT};
	struct err *err = NULL;

	make("owners.img", 1440 * K, "12", "1");
	RUN("mmd", "-i", "owners.img", "::d");
	copy_in("owners.img", "x", "ONE");
	copy_in("owners.img", "y", "d/two with a long name");
	ok(fat_each_owner(at("owners.img"), 0, UINT64_MAX, take_owner, &t, &err), &err);
	assert_string_equal(t.owners.buf, " 7168\n/ONE 512\n/d 512\n/d/two with a long name 512\n");
	ok(fat_each_free(at("owners.img"), 0, UINT64_MAX, take_free, &t, &err), &err);
	/* boot sector, two tables; the rest is somebody's or free */
	assert_int_equal(t.free + t.owned, 1440 * K - 19 * 512);
	str_release(&t.owners);
	put("no-fat", "this is not a file system");
	assert_int_equal(fat_each_owner(at("no-fat"), 0, UINT64_MAX, take_owner, &t, &err), 1);
	assert_int_equal(fat_each_free(at("no-fat"), 0, UINT64_MAX, take_free, &t, &err), 1);
	refused(fat_each_owner(at("missing"), 0, UINT64_MAX, take_owner, &t, &err), &err,
		"cannot open");
}

static void poke(const char *name, uint64_t place, const void *bytes, size_t len)
{
	int fd = open(at(name), O_RDWR | O_CLOEXEC);

	assert_int_equal(pwrite(fd, bytes, len, (off_t)place), len);
	close(fd);
}

static const char *state_of(const char *name)
{
	int fd = open(at(name), O_RDONLY | O_CLOEXEC);
	const char *state = fat_state(fd, 0);

	close(fd);
	return state;
}

static void test_state(void **state)
{
	uint64_t table = 32 * 512;

	make("state.img", 40 * M, "32", "1");
	assert_string_equal(state_of("state.img"), "clean");
	poke("state.img", 65, "\x01", 1);
	assert_string_equal(state_of("state.img"), "was not unmounted");
	poke("state.img", 65, "", 1);
	poke("state.img", table + 4, "\xff\xff\xff\x07", 4);
	assert_string_equal(state_of("state.img"), "was not unmounted");
	poke("state.img", table + 4, "\xff\xff\xff\x0b", 4);
	assert_string_equal(state_of("state.img"), "has errors: run fsck.fat on a copy");
	put("no-fat", "this is not a file system");
	assert_null(state_of("no-fat"));
}

/* One place says what is a FAT: with the word for people or without it, whole or damaged. */
static void test_what_is_one(void **state)
{
	static const char bad[] = "has sizes in its boot sector that cannot be";
	struct told t = {.owners = STR_INIT};
	struct err *err = NULL;

	make("word.img", 40 * M, "32", "1");
	poke("word.img", 82, "        ", 8);
	assert_string_equal(state_of("word.img"), "clean");
	make("sizes.img", 40 * M, "32", "1");
	poke("sizes.img", 13, "", 1); /* sectors of a cluster */
	assert_string_equal(state_of("sizes.img"), bad);
	refused(fat_each_owner(at("sizes.img"), 0, UINT64_MAX, take_owner, &t, &err), &err, bad);
	refused(fat_each_free(at("sizes.img"), 0, UINT64_MAX, take_free, &t, &err), &err, bad);
	poke("sizes.img", 82, "        ", 8);
	assert_null(state_of("sizes.img"));
	assert_int_equal(fat_each_owner(at("sizes.img"), 0, UINT64_MAX, take_owner, &t, &err), 1);
	str_release(&t.owners);
}

/* A directory for a disk: it can be opened, and not be read. */
static void test_disk_error(void **state)
{
	assert_string_equal(state_of("."), "cannot be read: the disk has an error");
}

/* ---- damages ---- */

#define TABLE 512u /* of 1440 KiB: then clusters of 512 bytes */
#define ROOT (19u * 512)
#define DATA (ROOT + 14u * 512)

/* Sets the table's entry of CLUSTER, of 12 bits. */
static void link_to(const char *name, unsigned cluster, unsigned value)
{
	unsigned char b[2];
	int fd = open(at(name), O_RDWR | O_CLOEXEC);
	off_t place = TABLE + cluster + cluster / 2;

	assert_int_equal(pread(fd, b, 2, place), 2);
	if (cluster & 1) {
		b[0] = (unsigned char)((b[0] & 0x0f) | (value & 15) << 4);
		b[1] = (unsigned char)(value >> 4);
	} else {
		b[0] = (unsigned char)value;
		b[1] = (unsigned char)((b[1] & 0xf0) | value >> 8);
	}
	assert_int_equal(pwrite(fd, b, 2, place), 2);
	close(fd);
}

/* ONE has clusters 2 to 4, TWO 5 to 7, directory D 8, D/THREE 9. */
static void make_victim(const char *name)
{
	char *text cleanup_free = numbers(1200);

	make(name, 1440 * K, "12", "1");
	copy_in(name, text, "ONE");
	copy_in(name, text, "TWO");
	RUN("mmd", "-i", (char *)name, "::D");
	copy_in(name, "3", "D/THREE");
}

static void expect(const char *name, const char *text)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct told told = {.owners = STR_INIT};
	struct err *err = NULL;

	refused(fat_read_tree(t, at(name), 0, UINT64_MAX, &err), &err, text);
	/* each byte at most once, whatever it is */
	if (fat_each_owner(at(name), 0, UINT64_MAX, take_owner, &told, &err) < 0)
		assert_ptr_equal(err->code, E_FILESYSTEM_DAMAGED);
	err_free(err);
	assert_true(told.owned <= 1440 * K);
	str_release(&told.owners);
}

static void test_chains(void **state)
{
	static const struct {
		unsigned cluster, value;
		const char *says;
	} damages[] = {
		{3, 2, "'/ONE' shares a cluster"},
		{3, 3, "'/ONE' shares a cluster"},
		{2, 6, "'/TWO' shares a cluster"},
		{3, 0, "'/ONE' has a cluster that is free"},
		{3, 1, "'/ONE' has a cluster that the file system has not"},
		{3, 0xff0, "'/ONE' has a cluster that the file system has not"},
		{3, 0xff7, "'/ONE' has a cluster that the file system has not"},
		{3, 0xfff, "'/ONE' ends before its size does"},
		{8, 8, "'/D' shares a cluster"},
		{8, 9, "'/D/THREE' shares a cluster"},
	};

	for (size_t i = 0; i < array_len(damages); i++) {
		make_victim("victim.img");
		link_to("victim.img", damages[i].cluster, damages[i].value);
		expect("victim.img", damages[i].says);
	}
}

static void test_entries(void **state)
{
	static const struct {
		uint64_t place;
		const char *bytes;
		size_t len;
		const char *says;
	} damages[] = {
		/* the root: label, ONE, TWO, D */
		{ROOT + 32 + 28, "\xff\xff\xff\xff", 4, "'/ONE' ends before its size does"},
		{ROOT + 32 + 26, "\0\0", 2, "'/ONE' ends before its size does"},
		{ROOT + 32, "TWO", 3, "'/TWO' is there twice"},
		{ROOT + 32, "A/B", 3, "'/' has an entry with a name"},
		{ROOT + 32, "A\0B", 3, "'/' has an entry with a name"},
		{ROOT + 32, "           ", 11, "'/' has an entry with a name"},
		{ROOT + 96 + 26, "\0\0", 2, "'/D' has no clusters"},
		{DATA + 6 * 512 + 64 + 11, "\x10\0", 2, NULL},
		{DATA + 6 * 512 + 64 + 26, "\x08", 1, "'/D/THREE' shares a cluster"},
		{11, "\x01\x02", 2, "has sizes in its boot sector that cannot be"},
		{11, "\0\x80", 2, "has sizes in its boot sector that cannot be"},
		{13, "\x03", 1, "has sizes in its boot sector that cannot be"},
		{14, "\xff\xff", 2, "has sizes in its boot sector that cannot be"},
		{19, "\xff\xff", 2, "says in its boot sector that it is larger"},
		{17, "\xff\xff", 2, "has sizes in its boot sector that cannot be"},
		{22, "\xff\xff", 2, "has sizes in its boot sector that cannot be"},
		{510, "\0", 1, "has no boot sector of a FAT"},
	};

	for (size_t i = 0; i < array_len(damages); i++) {
		make_victim("victim.img");
		poke("victim.img", damages[i].place, damages[i].bytes, damages[i].len);
		if (damages[i].says)
			expect("victim.img", damages[i].says);
	}
}

/* A directory that is its own child, and one whose child is the root: neither ends. */
static void test_directories(void **state)
{
	make_victim("victim.img");
	poke("victim.img", DATA + 6 * 512 + 64 + 11, "\x10", 1);
	poke("victim.img", DATA + 6 * 512 + 64 + 26, "\x08", 1);
	expect("victim.img", "'/D/THREE' shares a cluster");
	poke("victim.img", DATA + 6 * 512 + 64 + 26, "\0", 1);
	expect("victim.img", "'/D/THREE' has no clusters");
}

/* Long names that are none: the short one counts. */
static void test_long_names(void **state)
{
	static const struct {
		unsigned offset;
		const char *bytes;
		size_t len;
	} damages[] = {
		{13, "\x01", 1},       /* the sum of another short name */
		{0, "\x42", 1},        /* a slot is missing */
		{1, ".\0.\0\0\0", 6},  /* ".." */
		{1, "/\0", 2},         /* a character that no name has */
		{1, "\0\0", 2},        /* none at all */
		{1, "\x00\xdc", 2},    /* half of a pair */
		{1, "\x00\xd8x\0", 4}, /* the other half */
	};

	for (size_t i = 0; i < array_len(damages); i++) {
		struct tree *t cleanup_tree = NULL;

		make("long.img", 1440 * K, "12", "1");
		copy_in("long.img", "x", "a longer nam");
		/* behind the label, in one slot */
		poke("long.img", ROOT + 32 + damages[i].offset, damages[i].bytes, damages[i].len);
		t = read_image("long.img", 0, UINT64_MAX);
		if (!tree_lookup(t, "ALONGE~1"))
			fail_msg("damage %zu: %s", i, paths_of(t));
	}
}

/* The place of a file system ends before it says. */
static void test_place(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	make_victim("victim.img");
	refused(fat_read_tree(t, at("victim.img"), 0, 1440 * K - 1, &err), &err,
		"larger than its place");
	refused(fat_read_tree(t, at("victim.img"), 2 * M, M, &err), &err, "ends before");
	refused(fat_read_tree(t, at("victim.img"), 1440 * K - 100, M, &err), &err, "too short");
	refused(fat_read_tree(t, at("missing.img"), 0, M, &err), &err, "cannot open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_others),      cmocka_unit_test(test_code_page),
		cmocka_unit_test(test_own),         cmocka_unit_test(test_owners),
		cmocka_unit_test(test_state),       cmocka_unit_test(test_chains),
		cmocka_unit_test(test_entries),     cmocka_unit_test(test_directories),
		cmocka_unit_test(test_long_names),  cmocka_unit_test(test_place),
		cmocka_unit_test(test_what_is_one), cmocka_unit_test(test_disk_error),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
