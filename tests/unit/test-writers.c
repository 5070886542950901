/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both writers of images, the direct one and libguestfs, must make the same files of one plan. */
#include "media.h"
#include "tree-help.h"

#include "action.h"
#include "kinds/image/image.h"
#include "machine/guest/appliance_wall.h"
#include "media/ext4/ext4.h"

#define EPOCH 1700000000
#define SIZE (96u << 20)
#define RESERVED 3

/* One of everything that a tree can hold. */
static struct tree *sample(void)
{
	static const unsigned char cap[20] = {1, 0, 0, 2, 0, 4};
	static const unsigned char acl[] = {
		2, 0,    0,    0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
		0, 0x31, 0xd4, 0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
		4, 0,    255,  255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
	struct tree *t = tree_new(EPOCH, dir);
	struct err *err = NULL;
	struct tree_inode *n;
	char target[97];

	ok(tree_add_file(t, "usr/bin/ping", 04755, "elf", 3, &err), &err);
	tree_inode_xattr(t, tree_lookup(t, "usr/bin/ping")->inode, "security.capability", cap, 20);
	ok(tree_link(t, "usr/bin/ping6", tree_lookup(t, "usr/bin/ping")->inode, 0, &err), &err);
	ok(tree_add_symlink(t, "bin", "usr/bin", &err), &err);
	memset(target, 'x', 96);
	target[96] = 0;
	ok(tree_add_symlink(t, "long", target, &err), &err);
	n = add(t, "dev/ttyS0", S_IFCHR | 0620);
	n->major = 4;
	n->minor = 64;
	add(t, "run/fifo", S_IFIFO | 0600);
	n = add(t, "home/file", S_IFREG | 0640);
	tree_inode_xattr(t, n, "system.posix_acl_access", acl, sizeof(acl));
	tree_inode_xattr(t, n, "user.note", "text", 4);
	ok(tree_inode_append(t, n, 5 << 20, "behind a hole", 13, &err), &err);
	for (int i = 0; i < 500; i++) {
		char name[64];

		snprintf(name, sizeof(name), "many/a-rather-long-name-of-a-file-%04d", i);
		ok(tree_add_file(t, name, 0644, name, strlen(name), &err), &err);
	}
	return t;
}

static void plan_fs(struct action *a, struct image_plan *p, size_t part, const char *name,
		    enum image_fs_type type, struct tree *t)
{
	const struct layout_part *at = &p->layout.parts.items[part];
	struct image_fs fs = {.name = arena_printf(a->arena, "partition '%s'", name),
			      .part = part,
			      .type = type,
			      .start = at->start,
			      .size = at->size,
			      .label = name,
			      .reserved_percent = RESERVED,
			      .tree = t};

	image_fs_ids(a, name, &fs);
	image_fs_list_push(&p->fs, fs);
}

typedef int writer_fn(struct action *a, const struct image_plan *p, struct err **err);

/* An image NAME by WRITER; *ret_start is where its root file system begins. */
static void write_image(const char *name, writer_fn *writer, uint64_t *ret_start)
{
	struct arena *arena cleanup_arena = arena_new();
	char *work cleanup_free = NULL;
	struct err *err = NULL;
	static unsigned char ids[2][16];
	struct image_plan p cleanup_image_plan = {.path = at(name), .size = SIZE, .table = true};
	struct tree *boot = tree_new(EPOCH, dir);
	struct action a;

	ok(tmp_dir(dir, "work", &work, &err), &err);
	a = (struct action){.arena = arena,
			    .node = "tests/both",
			    .project = "edge",
			    .epoch = EPOCH,
			    .workdir = work,
			    .cache_dir = at("cache")};
	p.layout.size = SIZE;
	layout_parts_push(&p.layout.parts,
			  (struct layout_part){.name = "boot", .type = "esp", .size = 40u << 20});
	layout_parts_push(&p.layout.parts,
			  (struct layout_part){.name = "root", .type = "root-arm64"});
	ok(layout_place(&p.layout, &err), &err);
	image_partition_id(&a, "", p.disk);
	image_partition_id(&a, "boot", ids[0]);
	image_partition_id(&a, "root", ids[1]);
	p.part_ids = (const unsigned char(*)[16])ids;
	ok(tree_add_file(boot, "EFI/boot.txt", 0644, "boot", 4, &err), &err);
	plan_fs(&a, &p, 0, "boot", IMAGE_FS_VFAT, boot);
	plan_fs(&a, &p, 1, "root", IMAGE_FS_EXT4, sample());
	ok(writer(&a, &p, &err), &err);
	*ret_start = p.layout.parts.items[1].start;
}

/* The files of the image as a tar, and the file system's own check. */
static void read_image(const char *name, uint64_t start, const char *tar)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	char *part cleanup_free = xasprintf("%s?offset=%llu", at(name), (unsigned long long)start);
	struct err *err = NULL;

	RUN("e2fsck", "-fn", part);
	ok(ext4_read_tree(t, at(name), start, &err), &err);
	ok(tree_write_tar(t, at(tar), &err), &err);
}

/* A number of the superblock: 4 bytes at AT. */
static uint32_t superblock(const char *name, uint64_t start, unsigned where)
{
	int fd cleanup_fd = open(at(name), O_RDONLY | O_CLOEXEC);
	unsigned char b[4];

	assert_int_equal(pread(fd, b, 4, (off_t)(start + 1024 + where)), 4);
	return b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
}

static void keeps_blocks_for_root(const char *name, uint64_t start)
{
	uint32_t blocks = superblock(name, start, 4), kept = superblock(name, start, 8);

	assert_int_equal(kept, (uint64_t)blocks * RESERVED / 100);
}

static void test_writers(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct err *err = NULL;
	uint64_t start;

	ok(tree_write_tar(t, at("source.tar"), &err), &err);
	write_image("direct.img", image_write_direct, &start);
	keeps_blocks_for_root("direct.img", start);
	read_image("direct.img", start, "direct.tar");
	assert_true(same("source.tar", "direct.tar"));
	write_image("guest.img", image_write_guestfs, &start);
	keeps_blocks_for_root("guest.img", start);
	read_image("guest.img", start, "guest.tar");
	assert_true(same("source.tar", "guest.tar"));
	write_image("again.img", image_write_guestfs, &start);
	assert_true(same("guest.img", "again.img"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_writers)};

	if (argc >= 3 && str_eq(argv[1], "appliance"))
		return appliance_wall_main(argv + 2);

	return cmocka_run_group_tests(tests, setup, teardown);
}
