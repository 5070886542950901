/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include <fcntl.h>

#include "media/disk/gpt.h"

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
	l.parts.items[0].at = 4 * M + 512;
	refused(layout_place(&l, &err), &err, "not a multiple of 1 MiB");
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
	refused(gpt_read(at("none.img"), &parts, &err), &err, "no GUID partition table");
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
		cmocka_unit_test(test_no_disk),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
