/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"
#include "tree-help.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "media/ext4/ext4.h"

#define EPOCH 1700000000

static const unsigned char uuid[16] = {0x12, 0x34, 0x56, 0x78, 0, 0, 0x80};
static const unsigned char seed[16] = {7, 7, 7};

/* A disk that cannot be read there, by whatever call of ours or of libext2fs's. */
static off_t broken = -1;

static bool is_broken(off_t from, size_t len)
{
	bool hit = broken >= 0 && broken >= from && broken < from + (off_t)len;

	if (hit)
		errno = EIO;
	return hit;
}

ssize_t pread64(int fd, void *buf, size_t len, off_t from)
{
	return is_broken(from, len) ? -1 : syscall(SYS_pread64, fd, buf, len, from);
}

ssize_t read(int fd, void *buf, size_t len)
{
	return is_broken(lseek(fd, 0, SEEK_CUR), len) ? -1 : syscall(SYS_read, fd, buf, len);
}

static int write_image(struct tree *t, const char *name, uint64_t size, struct err **err)
{
	struct ext4_opts opts = {
		.size = size, .uuid = uuid, .seed = seed, .label = "root", .reserved_percent = 1};

	blank(name, size);
	return ext4_write(t, at(name), 0, "partition 'root'", &opts, err);
}

static void check(const char *name)
{
	RUN("e2fsck", "-fn", (char *)name);
}

/* Something of everything. */
static struct tree *sample(void)
{
	static const unsigned char cap[20] = {1, 0, 0, 2, 0, 4};
	struct tree *t = tree_new(EPOCH, dir);
	struct err *err = NULL;
	struct tree_inode *n;
	char text[4096];

	memset(text, 'x', sizeof(text));
	ok(tree_add_file(t, "usr/bin/ping", 04755, "elf", 3, &err), &err);
	tree_inode_xattr(t, tree_lookup(t, "usr/bin/ping")->inode, "security.capability", cap, 20);
	ok(tree_link(t, "usr/bin/ping6", tree_lookup(t, "usr/bin/ping")->inode, 0, &err), &err);
	ok(tree_add_symlink(t, "bin", "usr/bin", &err), &err);
	text[59] = '\0';
	ok(tree_add_symlink(t, "l59", text, &err), &err);
	text[59] = 'x';
	text[60] = '\0';
	ok(tree_add_symlink(t, "l60", text, &err), &err);
	text[60] = 'x';
	text[4095] = '\0';
	ok(tree_add_symlink(t, "l4095", text, &err), &err);
	n = add(t, "dev/ttyS0", S_IFCHR | 0620);
	n->major = 4;
	n->minor = 64;
	n = add(t, "dev/big", S_IFBLK | 0600);
	n->major = 259;
	n->minor = 70000;
	add(t, "dev/fifo", S_IFIFO | 0600);
	n = add(t, "home/sparse", S_IFREG | 0640);
	ok(tree_inode_append(t, n, 3221225472u, "end", 3, &err), &err);
	n = add(t, "home/many", S_IFREG | 0600);
	for (int i = 0; i < 40; i++) {
		char name[32];

		snprintf(name, sizeof(name), "user.attribute%02d", i);
		tree_inode_xattr(t, n, name, text, 60);
	}
	n = add(t, "home/zeros", S_IFREG | 0600);
	n->size = 1 << 20;
	return t;
}

static void test_everything(void **state)
{
	struct tree *t cleanup_tree = sample(), *back cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	char *out cleanup_free = NULL, *show cleanup_free = NULL, *sb cleanup_free = NULL;
	char *names_of cleanup_free = NULL;
	struct stat st;

	ok(write_image(t, "a.img", 64 << 20, &err), &err);
	check("a.img");
	ok(write_image(t, "b.img", 64 << 20, &err), &err);
	assert_true(same("a.img", "b.img"));
	assert_int_equal(stat(at("a.img"), &st), 0);
	assert_true(st.st_blocks * 512 < 4 << 20);
	sb = OUTPUT("dumpe2fs", "-h", "a.img");
	has(sb, "has_journal ext_attr resize_inode dir_index filetype extent 64bit flex_bg "
		"sparse_super large_file huge_file dir_nlink extra_isize metadata_csum\n");
	has(sb, "Filesystem UUID:          12345678-0000-8000-0000-000000000000");
	has(sb, "Filesystem volume name:   root");
	assert_null(strstr(sb, "Lifetime writes"));
	out = OUTPUT("debugfs", "-R", "stat /usr/bin/ping6", "a.img");
	has(out, "Links: 2");
	has(out, "Mode:  04755");
	has(out, "security.capability (20)");
	show = OUTPUT("debugfs", "-R", "stat /dev/big", "a.img");
	has(show, "259:70000");
	names_of = OUTPUT("debugfs", "-R", "ls -p /", "a.img");
	has(names_of, "/040700/0/0/lost+found//");
	/* and back: the same tree */
	ok(ext4_read_tree(back, at("a.img"), 0, &err), &err);
	assert_null(tree_lookup(back, "lost+found"));
	assert_int_equal(tree_lookup(back, "home/sparse")->inode->size, 3221225475u);
	tree_lookup(t, "home/sparse")->inode->size = 0; /* three gigabytes are no good in a tar */
	tree_lookup(t, "home/sparse")->inode->segment_count = 0;
	tree_lookup(back, "home/sparse")->inode->size = 0;
	tree_lookup(back, "home/sparse")->inode->segment_count = 0;
	ok(tree_write_tar(t, at("a.tar"), &err), &err);
	ok(tree_write_tar(back, at("b.tar"), &err), &err);
	assert_true(same("a.tar", "b.tar"));
}

/* A project without packages has no epoch; to libext2fs the time 0 means the present. */
static void test_no_epoch(void **state)
{
	struct tree *t cleanup_tree = tree_new(0, dir);
	struct err *err = NULL;
	char *written cleanup_free = NULL, *settled cleanup_free = NULL;

	ok(tree_add_file(t, "etc/x", 0644, "hello", 5, &err), &err);
	ok(write_image(t, "old.img", 16 << 20, &err), &err);
	written = OUTPUT("env", "TZ=UTC", "dumpe2fs", "-h", "old.img");
	has(written, "Last write time:          Thu Jan  1 00:00:01 1970");
	ok(ext4_settle(at("old.img"), 0, "x", seed, 0, 0, &err), &err);
	settled = OUTPUT("env", "TZ=UTC", "dumpe2fs", "-h", "old.img");
	has(settled, "Last write time:          Thu Jan  1 00:00:01 1970");
	check("old.img");
}

/* As a guest's disk has for what was made for it; ext4 knows times until 2446. */
static void test_end_of_time(void **state)
{
	struct tree *t cleanup_tree = tree_new(INT64_MAX, dir);
	struct err *err = NULL;

	ok(tree_add_file(t, "x", 0644, "hello", 5, &err), &err);
	ok(write_image(t, "late.img", 16 << 20, &err), &err);
	check("late.img");
}

/* libext2fs would put the bitmaps past the end of its memory. */
static void test_first_block(void **state)
{
	struct tree *t cleanup_tree = tree_new(0, dir);
	struct err *err = NULL;

	ok(write_image(t, "first.img", 16 << 20, &err), &err);
	RUN("sh", "-c", "debugfs -w -R 'ssv first_data_block 254' first.img 2>/dev/null");
	assert_int_equal(ext4_settle(at("first.img"), 0, "x", seed, 0, 0, &err), -1);
	assert_ptr_equal(err->code, E_FILESYSTEM_DAMAGED);
	refused(-1, &err, "superblock is corrupt");
	refused(ext4_read_tree(t, at("first.img"), 0, &err), &err, "superblock is corrupt");
}

static void test_at_an_offset(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir),
		       *back cleanup_tree = tree_new(EPOCH, dir);
	struct ext4_opts opts = {.size = 16 << 20, .uuid = uuid, .seed = seed};
	struct err *err = NULL;

	ok(tree_add_file(t, "etc/x", 0644, "hello", 5, &err), &err);
	blank("disk.img", 20 << 20);
	ok(ext4_write(t, at("disk.img"), 3 << 20, "x", &opts, &err), &err);
	RUN("e2fsck", "-fn", "disk.img?offset=3145728");
	RUN("dd", "if=disk.img", "of=first", "bs=1M", "count=3", "status=none");
	blank("zero", 3 << 20);
	assert_true(same("first", "zero"));
	ok(ext4_read_tree(back, at("disk.img"), 3 << 20, &err), &err);
	assert_memory_equal(tree_lookup(back, "etc/x")->inode->segments[0].data, "hello", 5);
	refused(ext4_read_tree(back, at("disk.img"), 0, &err), &err, "cannot read the file system");
}

static void test_large_directory(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir),
		       *back cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	char name[300];
	size_t count;

	for (int i = 0; i < 66000; i++) {
		snprintf(name, sizeof(name), "d/%05d", i);
		ok(tree_add_dir(t, name, 0755, &err), &err);
	}
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "long/%0*d", 100 + i % 156, i);
		ok(tree_add_file(t, name, 0644, "", 0, &err), &err);
	}
	ok(write_image(t, "large.img", 512 << 20, &err), &err);
	check("large.img");
	ok(ext4_read_tree(back, at("large.img"), 0, &err), &err);
	tree_entries(back, &count);
	assert_int_equal(count, 66000 + 3000 + 3);
}

static void test_too_many_links(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	char name[32];

	ok(tree_add_file(t, "first", 0644, "", 0, &err), &err);
	for (int i = 0; i < 65000; i++) {
		snprintf(name, sizeof(name), "d/%05d", i);
		ok(tree_link(t, name, tree_lookup(t, "first")->inode, 0, &err), &err);
		if (i == 64998)
			ok(write_image(t, "links.img", 64 << 20, &err), &err);
	}
	check("links.img");
	refused(write_image(t, "links.img", 64 << 20, &err), &err, "has 65001 hard links");
}

static void test_full(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	size_t len = 8 << 20;
	char *data cleanup_free = xmalloc(len);

	memset(data, 'd', len);
	ok(tree_add_file(t, "data", 0644, data, len, &err), &err);
	refused(write_image(t, "full.img", 8 << 20, &err), &err,
		"partition 'root': its content needs 8.0 MiB");
	refused(write_image(t, "full.img", 1 << 10, &err), &err, "no size for ext4");
	for (uint64_t size = len; size < 2 * len; size += 65536) {
		int rc = write_image(t, "full.img", size, &err);

		if (rc < 0) { /* never more than the check before writing */
			refused(rc, &err, "raise its size");
			continue;
		}
		check("full.img");
		return;
	}
	fail_msg("8 MiB do not fit into 16");
}

/* Blocks of a file are numbered by 32 bits, and the last number is not used (Linux, s_maxbytes). */
/* Not even the tables do: `size: auto` goes on then. */
static void test_tables_do_not_fit(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	(void)state;
	for (int i = 0; i < 8000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		add(t, name, S_IFREG | 0644);
	}
	assert_int_equal(write_image(t, "tables.img", 1 << 20, &err), -1);
	assert_ptr_equal(err->code, E_IMAGE_TOO_SMALL);
	err_free(err);
}

static void test_too_large_file(void **state)
{
	const uint64_t most = UINT64_C(0xffffffff) * 4096;
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	struct tree_inode *n = add(t, "sparse", S_IFREG | 0600);

	ok(tree_inode_append(t, n, most - 1, "x", 1, &err), &err);
	ok(write_image(t, "sparse.img", 16 << 20, &err), &err);
	check("sparse.img");
	ok(tree_inode_append(t, n, most, "y", 1, &err), &err);
	refused(write_image(t, "sparse.img", 16 << 20, &err), &err, "'/sparse' is larger than");
	n->size = INT64_MAX - 1; /* what a tar can say */
	refused(write_image(t, "sparse.img", 16 << 20, &err), &err, "'/sparse' is larger than");
}

static void test_holes_and_fragments(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir),
		       *back cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	struct tree_inode *n = add(t, "pieces", S_IFREG | 0600), *m;

	for (uint64_t i = 0; i < 2000; i++)
		ok(tree_inode_append(t, n, i * 100 * 4096 + i, "piece", 5, &err), &err);
	ok(write_image(t, "pieces.img", 64 << 20, &err), &err);
	check("pieces.img");
	ok(ext4_read_tree(back, at("pieces.img"), 0, &err), &err);
	m = tree_lookup(back, "pieces")->inode;
	assert_int_equal(m->size, n->size);
	for (uint64_t i = 0; i < 2000; i++) {
		char buf[5];

		tree_inode_read(m, i * 100 * 4096 + i, buf, 5);
		assert_memory_equal(buf, "piece", 5);
	}
}

static void test_xattrs_too_large(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	char value[4096] = "v";

	ok(tree_add_file(t, "f", 0644, "", 0, &err), &err);
	tree_inode_xattr(t, tree_lookup(t, "f")->inode, "user.large", value, sizeof(value));
	refused(write_image(t, "x.img", 16 << 20, &err), &err, "'/f': its extended attributes");
}

static void test_foreign(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	char *text cleanup_free = NULL;

	put("in/dir/file", "content");
	RUN("ln", "-s", "file", "in/dir/link");
	RUN("sh", "-c", "head -c 300000 /dev/zero | tr '\\0' z >in/dir/large");
	RUN("mke2fs", "-q", "-t", "ext2", "-b", "1024", "-d", "in", "ext2.img", "8M");
	ok(ext4_read_tree(t, at("ext2.img"), 0, &err), &err);
	assert_string_equal(tree_lookup(t, "dir/link")->inode->target, "file");
	text = tree_inode_text(tree_lookup(t, "dir/large")->inode, 1 << 20);
	assert_int_equal(strspn(text, "z"), 300000);
	RUN("debugfs", "-w", "-R", "feature needs_recovery", "ext2.img");
	RUN("debugfs", "-w", "-R", "set_super_value state 0", "ext2.img");
	refused(ext4_read_tree(t, at("ext2.img"), 0, &err), &err, "was not unmounted");
	put("junk", "no file system");
	refused(ext4_read_tree(t, at("junk"), 0, &err), &err, "cannot read the file system");
}

/* What a reader says of a file system that it cannot read to its end, if it says anything. */
static bool is_told(int rc, struct err **err)
{
	if (rc < 0 && (*err)->code != E_FILESYSTEM_DAMAGED)
		fail_msg("%s [%s]", (*err)->text, (*err)->code->name);
	err_free(*err);
	*err = NULL;
	return rc < 0;
}

static void nobody(void *arg, uint64_t from, uint64_t size, const char *name)
{
}

static void nothing(void *arg, uint64_t from, uint64_t size)
{
}

/* How many of the three readers tell that something is wrong. */
static unsigned readers_that_tell(const char *name)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	unsigned told = is_told(ext4_read_tree(t, at(name), 0, &err), &err);

	told += is_told(ext4_each_owner(at(name), 0, nobody, NULL, &err), &err);
	return told + is_told(ext4_each_free(at(name), 0, nothing, NULL, &err), &err);
}

/* An image that is cut off: a read that is too short is damage. */
static void test_cut(void **state)
{
	struct tree *t cleanup_tree = sample();
	unsigned told = 0, all = 0;
	struct err *err = NULL;

	ok(write_image(t, "cut.img", 16 << 20, &err), &err);
	for (off_t size = 16 << 20; size >= 64 << 10; size -= 256 << 10, all++) {
		assert_int_equal(truncate(at("cut.img"), size), 0);
		told += readers_that_tell("cut.img");
	}
	print_message("told of %u cuts: %u\n", all, told);
	assert_true(told > 20); /* the others cut off what is free */
	assert_int_equal(truncate(at("cut.img"), 4096), 0);
	assert_int_equal(readers_that_tell("cut.img"), 3);
}

/* A disk that cannot be read at one block, whatever is there. */
static void test_disk_errors(void **state)
{
	struct tree *t cleanup_tree = sample();
	unsigned told = 0, all = 0;
	struct err *err = NULL;
	int fd cleanup_fd = -1;

	ok(write_image(t, "broken.img", 16 << 20, &err), &err);
	fd = open(at("broken.img"), O_RDONLY | O_CLOEXEC);
	for (uint64_t block = fd_next_data(fd, 0); block < 16 << 20;
	     block = fd_next_data(fd, block + 4096), all++) {
		broken = (off_t)block;
		told += readers_that_tell("broken.img");
	}
	print_message("told of %u blocks: %u\n", all, told);
	broken = 1024;
	assert_int_equal(readers_that_tell("broken.img"), 3);
	assert_string_equal(ext4_state(fd, 0), "cannot be read: the disk has an error");
	broken = -1;
	assert_int_equal(readers_that_tell("broken.img"), 0);
	assert_true(told > 10);
}

/* A block of pointers to itself, which stands for 2^30 blocks at the third level. */
#define LOOP 4096

static void put_loop(const char *image)
{
	int fd cleanup_fd = open(at(image), O_WRONLY | O_CLOEXEC);
	uint32_t block[1024];

	for (size_t i = 0; i < array_len(block); i++)
		block[i] = LOOP;
	assert_int_equal(pwrite(fd, block, sizeof(block), LOOP * (off_t)sizeof(block)),
			 sizeof(block));
}

static void count_blocks(void *arg, uint64_t from, uint64_t size, const char *name)
{
	*(uint64_t *)arg += size;
}

/* Also a directory's: the block passes for an entry without a name. */
static void test_loops(void **state)
{
	static const char *const paths[] = {"/dir/file", "/dir"};
	struct err *err = NULL;

	put("in/dir/file", "content");
	for (size_t i = 0; i < array_len(paths); i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);
		char *pointer cleanup_free =
			xasprintf("set_inode_field %s block[TIND] %u", paths[i], LOOP);
		char *size cleanup_free =
			xasprintf("set_inode_field %s size 0x10000000000", paths[i]);
		uint64_t told = 0;

		RUN("rm", "-f", "loop.img");
		RUN("mke2fs", "-q", "-t", "ext2", "-b", "4096", "-N", "8192", "-d", "in",
		    "loop.img", "32M");
		RUN("debugfs", "-w", "-R", pointer, "loop.img");
		RUN("debugfs", "-w", "-R", size, "loop.img");
		put_loop("loop.img");
		refused(ext4_read_tree(t, at("loop.img"), 0, &err), &err, "cannot be read: ");
		refused(ext4_each_owner(at("loop.img"), 0, count_blocks, &told, &err), &err,
			"cannot be read");
		assert_true(told <= 64 << 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_no_epoch),
		cmocka_unit_test(test_end_of_time),
		cmocka_unit_test(test_first_block),
		cmocka_unit_test(test_at_an_offset),
		cmocka_unit_test(test_large_directory),
		cmocka_unit_test(test_too_many_links),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_tables_do_not_fit),
		cmocka_unit_test(test_too_large_file),
		cmocka_unit_test(test_holes_and_fragments),
		cmocka_unit_test(test_xattrs_too_large),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_loops),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_disk_errors),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
