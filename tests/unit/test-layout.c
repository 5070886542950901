/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include <fcntl.h>

#include "media/disk/gpt.h"
#include "media/disk/mbr.h"

#define M ((uint64_t)1 << 20)

static struct layout card(void)
{
	struct layout l = {0};

	layout_areas_push(&l.areas, (struct layout_area){"uboot-env", 1 * M, 32768});
	layout_areas_push(&l.areas, (struct layout_area){"uboot-env-redundant", 2 * M, 32768});
	layout_parts_push(&l.parts,
			  (struct layout_part){"boot", "esp", .size = 64 * M, .regions = 2});
	layout_parts_push(&l.parts,
			  (struct layout_part){"root-a", "root-arm64", .size = 150 * M - 7});
	layout_parts_push(&l.parts, (struct layout_part){"root-b", "root-arm64", .size = 150 * M});
	layout_parts_push(&l.parts, (struct layout_part){"data", "linux-generic", .size = 51 * M,
							 .grow = true});
	return l;
}

static void test_place(void **state)
{
	struct layout l cleanup_layout = card();
	struct err *err = NULL;

	ok(layout_place(&l, &err), &err);
	assert_int_equal(l.first, 4 * M);
	assert_int_equal(l.parts.items[0].start, 4 * M);
	assert_int_equal(l.parts.items[1].start, 132 * M);
	assert_int_equal(l.parts.items[1].size, 150 * M);
	assert_int_equal(l.parts.items[2].start, 282 * M);
	assert_int_equal(l.parts.items[3].start, 432 * M);
	assert_int_equal(l.size, 484 * M);
}

static void test_rest(void **state)
{
	struct layout l cleanup_layout = {.size = 4096 * M};
	struct err *err = NULL;

	layout_parts_push(&l.parts, (struct layout_part){"esp", "esp", .size = 256 * M});
	layout_parts_push(&l.parts, (struct layout_part){"root", "root-x86-64"});
	ok(layout_place(&l, &err), &err);
	assert_int_equal(l.first, 1 * M);
	assert_int_equal(l.parts.items[1].start, 257 * M);
	assert_int_equal(l.parts.items[1].size, (4096 - 258) * M);
	l.parts.items[1].size = 0;
	l.size = 258 * M;
	refused(layout_place(&l, &err), &err, "no room is left for partition 'root'");
	l.parts.items[0].size = 0;
	refused(layout_place(&l, &err), &err, "partition 'esp' needs a size");
}

static void test_refused(void **state)
{
	struct layout l cleanup_layout = card();
	struct err *err = NULL;

	l.parts.items[0].at = 2 * M;
	refused(layout_place(&l, &err), &err, "overwrite the reserved area 'uboot-env-redundant'");
	l.parts.items[0].at = 3 * M;
	ok(layout_place(&l, &err), &err);
	assert_int_equal(l.first, 3 * M);
	l.parts.items[0].at = 4 * M + 511;
	refused(layout_place(&l, &err), &err, "not a multiple of 512");
	l.parts.items[0].at = 0;
	l.parts.items[1].at = 68 * M; /* inside the boot region */
	refused(layout_place(&l, &err), &err, "the space up to 132 MiB");
	l.parts.items[1].at = 0;
	l.size = 400 * M;
	refused(layout_place(&l, &err), &err, "raise its size");
	l.size = 0;
	l.areas.items[0].at = 512;
	refused(layout_place(&l, &err), &err, "over the partition table");
	l.areas.items[0].at = 2 * M + 4096;
	refused(layout_place(&l, &err), &err, "overlap");
	l.areas.items[0].at = 1 * M;
	l.parts.items[2].name = "root-a";
	refused(layout_place(&l, &err), &err, "two partitions are called 'root-a'");
	l.parts.items[2].name = "root-b";
	l.parts.items[2].type = "root-arm46";
	refused(layout_place(&l, &err), &err, "'root-arm46' is neither");
	l.parts.items[2].type = "0fc63daf-8483-4772-8e79-3d69d8477de4";
	ok(layout_place(&l, &err), &err);
	layout_parts_clear(&l.parts);
	refused(layout_place(&l, &err), &err, "at least one");
}

static void test_gpt(void **state)
{
	struct layout l cleanup_layout = card();
	static const unsigned char ids[5][16] = {{1}, {2}, {3}, {4}, {5}};
	struct gpt_parts parts = {0};
	struct err *err = NULL;
	char *dump cleanup_free = NULL, *verify cleanup_free = NULL;

	ok(layout_place(&l, &err), &err);
	blank("a.img", l.size);
	blank("b.img", l.size);
	ok(gpt_write(at("a.img"), &l, ids[4], ids, &err), &err);
	ok(gpt_write(at("b.img"), &l, ids[4], ids, &err), &err);
	assert_true(same("a.img", "b.img"));
	verify = OUTPUT("sfdisk", "--verify", "a.img");
	has(verify, "No errors detected");
	dump = OUTPUT("sfdisk", "-d", "a.img");
	has(dump, "label-id: 05000000-0000-0000-0000-000000000000\n");
	has(dump, "first-lba: 8192\n");
	has(dump, "sector-size: 512\n");
	has(dump, "a.img1 : start=        8192, size=      131072, "
		  "type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, "
		  "uuid=01000000-0000-0000-0000-000000000000, name=\"boot\"\n");
	has(dump, "a.img4 : start=      884736, size=      104448, "
		  "type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, "
		  "uuid=04000000-0000-0000-0000-000000000000, name=\"data\", attrs=\"GUID:59\"\n");
	ok(gpt_read(at("a.img"), &parts, &err), &err);
	assert_int_equal(parts.count, 4);
	assert_string_equal(parts.items[1].name, "root-a");
	assert_string_equal(parts.items[1].type, "B921B045-1DF0-41C3-AF44-4C6F280D3FAE");
	assert_int_equal(parts.items[1].start, 132 * M);
	assert_int_equal(parts.items[1].size, 150 * M);
	assert_int_equal(parts.items[3].attrs, GPT_GROW);
	gpt_parts_clear(&parts);
	/* the backup is in the last sector: a destroyed primary table can be read from it */
	RUN("dd", "if=/dev/zero", "of=a.img", "bs=512", "seek=1", "count=1", "conv=notrunc",
	    "status=none");
	ok(gpt_read(at("a.img"), &parts, &err), &err);
	assert_int_equal(parts.count, 4);
	gpt_parts_clear(&parts);
	blank("none.img", 4 * M);
	refused(gpt_read(at("none.img"), &parts, &err), &err, "no partition table");
}

/* Blobs where boot ROMs look, and what the table leaves them. */
static void test_blobs(void **state)
{
	struct layout l cleanup_layout = {.entries = 56};
	struct err *err = NULL;

	layout_areas_push(&l.areas, (struct layout_area){"spl", 8192, 24576});
	layout_areas_push(&l.areas, (struct layout_area){"u-boot", 12 * M, M});
	layout_parts_push(&l.parts, (struct layout_part){"boot", "esp", .at = M + 512, .size = M});
	layout_parts_push(&l.parts, (struct layout_part){"root", "root-arm64", .size = M});
	ok(layout_place(&l, &err), &err);
	assert_int_equal(l.first, M + 512);
	assert_int_equal(layout_head(&l), 8192);
	assert_int_equal(l.parts.items[1].start, 3 * M);
	assert_int_equal(l.size, 14 * M); /* up to the last area, and the backup */
	l.parts.items[1].size = 10 * M;
	refused(layout_place(&l, &err), &err, "'root' at 3.0 MiB (3145728) would overwrite");
	assert_ptr_equal(l.bad_part, &l.parts.items[1]);
	l.parts.items[1].size = M;
	l.areas.items[0].at = 4096;
	refused(layout_place(&l, &err), &err, "say 'gpt-entries: 24', or put it at 8192");
	assert_ptr_equal(l.bad_area, &l.areas.items[0]);
	l.areas.items[0] = (struct layout_area){"spl", 1024, 24576};
	refused(layout_place(&l, &err), &err, "'gpt-entries-offset'");
	l.entries_at = M - 7168;
	ok(layout_place(&l, &err), &err);
	l.parts.items[0].at = M - 512;
	refused(layout_place(&l, &err), &err, "start it at 1.0 MiB (1048576) or after");
	l.entries = 55;
	refused(layout_place(&l, &err), &err, "a table cannot have 55 entries");
	l.entries = 0;
	l.areas.items[0].at = 700;
	refused(layout_place(&l, &err), &err, "not a multiple of 512");
}

static void test_align(void **state)
{
	struct layout l cleanup_layout = {.align = 512, .size = M};
	struct err *err = NULL;

	layout_parts_push(&l.parts, (struct layout_part){"a", "esp", .size = 1000});
	layout_parts_push(&l.parts, (struct layout_part){"b", "swap"});
	ok(layout_place(&l, &err), &err);
	assert_int_equal(l.parts.items[0].start, 34 * 512);
	assert_int_equal(l.parts.items[0].size, 1024);
	assert_int_equal(l.parts.items[1].size, M - (36 + 33) * 512);
	l.table = LAYOUT_NONE;
	l.parts.items[1].size = l.size = 0;
	l.parts.items[1].size = 512;
	ok(layout_place(&l, &err), &err);
	assert_int_equal(l.parts.items[0].start, 0);
	assert_int_equal(l.size, 1536);
}

/* Six partitions: three, and three in the extended one. */
static void test_mbr(void **state)
{
	static const char *const called[] = {"p1", "p2", "p3", "p5", "p6", "p7"};
	static const unsigned char id[16] = {0x12, 0x34, 0x56, 0x78};
	struct layout l cleanup_layout = {.table = LAYOUT_MBR};
	struct gpt_parts parts = {0};
	struct err *err = NULL;
	char *dump cleanup_free = NULL, *verify cleanup_free = NULL;

	for (size_t i = 0; i < array_len(called); i++)
		layout_parts_push(&l.parts, (struct layout_part){called[i], "linux", .size = M,
								 .active = i == 1});
	ok(layout_place(&l, &err), &err);
	assert_int_equal(l.parts.items[3].start, 5 * M);
	assert_int_equal(l.parts.items[5].number, 7);
	assert_int_equal(l.size, 10 * M);
	blank("mbr.img", l.size);
	ok(mbr_write(at("mbr.img"), &l, id, &err), &err);
	verify = OUTPUT("sfdisk", "--verify", "mbr.img");
	has(verify, "No errors detected");
	dump = OUTPUT("sfdisk", "-d", "mbr.img");
	has(dump, "label-id: 0x12345678\n");
	has(dump, "mbr.img2 : start=        4096, size=        2048, type=83, bootable\n");
	has(dump, "mbr.img4 : start=        8192, size=       12288, type=f\n");
	has(dump, "mbr.img7 : start=       18432, size=        2048, type=83\n");
	ok(gpt_read(at("mbr.img"), &parts, &err), &err);
	assert_int_equal(parts.count, 6);
	assert_int_equal(parts.items[3].number, 5);
	assert_string_equal(parts.items[3].type, "0x83");
	assert_string_equal(parts.items[3].uuid, "12345678-05");
	assert_int_equal(parts.items[5].start, 9 * M);
	gpt_parts_clear(&parts);
	l.parts.items[3].at = 4 * M;
	refused(layout_place(&l, &err), &err, "cannot start at 4.0 MiB");
	l.parts.items[3].at = 0;
	l.parts.items[0].type = "root-arm64";
	refused(layout_place(&l, &err), &err, "neither a known type of an MBR nor a number");
	l.parts.items[0].type = "0x83";
	l.parts.items[5].size = (uint64_t)3 << 40;
	refused(layout_place(&l, &err), &err, "ends after 2 TiB");
}

static void fit_larger(const char *name)
{
	int fd cleanup_fd = open(at(name), O_RDWR | O_CLOEXEC);
	struct err *err = NULL;

	assert_int_equal(ftruncate(fd, 64 * M), 0);
	ok(gpt_fit(fd, name, &err), &err);
}

/* Whatever the MBR shows, and wherever the entries are, a larger card gets its backup. */
static void test_hybrid(void **state)
{
	static const unsigned char ids[5][16] = {{1}, {2}, {3}, {4}, {5}};
	struct layout l cleanup_layout = card();
	struct err *err = NULL;
	char *gpt cleanup_free = NULL, *mbr cleanup_free = NULL, *was cleanup_free = NULL;

	l.table = LAYOUT_HYBRID;
	l.entries_at = 64 * 1024;
	refused(layout_place(&l, &err), &err, "0 partitions have an 'mbr-type'");
	l.parts.items[0].mbr_type = "fat32-lba";
	l.parts.items[0].size = l.parts.items[1].size = l.parts.items[2].size = 8 * M;
	l.parts.items[3].size = M;
	ok(layout_place(&l, &err), &err);
	blank("hybrid.img", l.size);
	ok(gpt_write(at("hybrid.img"), &l, ids[4], ids, &err), &err);
	ok(mbr_write(at("hybrid.img"), &l, ids[4], &err), &err);
	was = OUTPUT("sfdisk", "-Y", "dos", "-d", "hybrid.img");
	has(was, "hybrid.img1 : start=        8192, size=       16384, type=c\n");
	has(was, "hybrid.img2 : start=           1, size=         159, type=ee\n");
	fit_larger("hybrid.img");
	gpt = OUTPUT("sgdisk", "-v", "-p", "hybrid.img");
	has(gpt, "No problems found");
	has(gpt, "begins at sector 128 and ends at sector 159");
	has(gpt, "last usable sector is 131038");
	mbr = OUTPUT("sfdisk", "-Y", "dos", "-d", "hybrid.img");
	assert_string_equal(mbr, was);
}

/* What libfdisk cannot open was never assigned to it, and must not be given back. */
static void test_no_disk(void **state)
{
	struct gpt_parts parts = {0};
	struct err *err = NULL;
	int fd cleanup_fd = -1;

	blank("empty.img", 0);
	fd = open(at("empty.img"), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	refused(gpt_read(at("empty.img"), &parts, &err), &err, "cannot open it as a disk");
	refused(gpt_fit(fd, "empty.img", &err), &err, "cannot open it as a disk");
	refused(gpt_read(at("missing.img"), &parts, &err), &err, "cannot open it as a disk");
	refused(gpt_read(dir, &parts, &err), &err, "cannot open it as a disk");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),   cmocka_unit_test(test_rest),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_gpt),
		cmocka_unit_test(test_no_disk), cmocka_unit_test(test_blobs),
		cmocka_unit_test(test_align),   cmocka_unit_test(test_mbr),
		cmocka_unit_test(test_hybrid),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
