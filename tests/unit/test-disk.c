/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include "action.h"
#include "kinds/makers.h"
#include "media/disk/gpt.h"

#define M ((uint64_t)1 << 20)

static const char card[] =
	"table: gpt\n"
	"reserved:\n"
	"- {name: uboot-env, at: 1M, size: 32K}\n"
	"- {name: uboot-env-redundant, at: 2M, size: 32K}\n"
	"partitions:\n"
	"- {name: boot, type: esp, from: boot, region: 2x}\n"
	"- {name: root-a, type: root-arm64, from: root, size: 20M}\n"
	"- {name: root-b, type: root-arm64, from: root, size: 20M}\n"
	"- {name: data, type: linux-generic, size: 32M, filesystem: ext4, grow: true}\n";

static struct action attempt(const char *recipe)
{
	struct action a = action_new(&kind_disk, "install", recipe);

	input_add(&a, (struct action_input){.ref = "boot",
					    .node = "boot",
					    .type = INPUT_FILE,
					    .output_type = OUTPUT_IMAGE,
					    .path = at("boot.img")});
	input_add(&a, (struct action_input){.ref = "root",
					    .node = "root",
					    .type = INPUT_FILE,
					    .output_type = OUTPUT_IMAGE,
					    .path = at("root.img")});
	return a;
}

/* An image with a word at its start and one at its end. */
static void make_image(const char *name, uint64_t size)
{
	int fd;

	blank(name, size);
	fd = open(at(name), O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, name, 4, 0), 4);
	assert_int_equal(pwrite(fd, name, 4, (off_t)size - 4), 4);
	close(fd);
}

static void at_place(const char *disk, uint64_t offset, const char *what)
{
	char buf[4];
	int fd = open(disk, O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, buf, 4, (off_t)offset), 4);
	assert_memory_equal(buf, what, 4);
	close(fd);
}

static void test_card(void **state)
{
	struct action a = attempt(card), b = attempt(card);
	struct err *err = NULL;
	struct digest one, two;
	struct stat st;
	const char *disk;
	char *dump cleanup_free = NULL, *verify cleanup_free = NULL, *fsck cleanup_free = NULL;

	make_image("boot.img", 8 * M);
	make_image("root.img", 16 * M);
	ok(maker_disk.run(&a, &err), &err);
	ok(maker_disk.run(&b, &err), &err);
	disk = action_output(&a, "install.img");
	ok(digest_file(disk, &one, &err), &err);
	ok(digest_file(action_output(&b, "install.img"), &two, &err), &err);
	assert_true(digest_eq(&one, &two));
	verify = OUTPUT("sfdisk", "--verify", (char *)disk);
	has(verify, "No errors");
	dump = OUTPUT("sfdisk", "-d", (char *)disk);
	has(dump, "first-lba: 8192\n");
	has(dump, "start=        8192, size=       16384,"); /* 4M, 8M */
	has(dump, "start=       40960, size=       40960,"); /* 20M, 20M */
	has(dump, "start=       81920, size=       40960,");
	has(dump, "start=      122880, size=       65536,");
	has(dump, "name=\"data\", attrs=\"GUID:59\"");
	at_place(disk, 4 * M, "boot");
	at_place(disk, 12 * M - 4, "boot");
	at_place(disk, 12 * M, "\0\0\0\0"); /* the free half */
	at_place(disk, 1 * M, "\0\0\0\0");  /* the environment */
	at_place(disk, 20 * M, "root");
	at_place(disk, 40 * M, "root");
	at_place(disk, 56 * M - 4, "root");
	fsck = xasprintf("%s?offset=%llu", disk, (unsigned long long)(60 * M));
	RUN("e2fsck", "-fn", fsck);
	assert_int_equal(stat(disk, &st), 0);
	assert_int_equal(st.st_size, 93 * M);
	assert_true(st.st_blocks * 512 < 3 * (off_t)M);
	arena_free(a.arena);
	arena_free(b.arena);
}

static void test_blobs(void **state)
{
	struct action a = attempt("table: mbr\n"
				  "reserved:\n"
				  "- {name: code, at: 0, size: 512, from: boot}\n"
				  "- {name: spl, at: 8K, from: root}\n"
				  "partitions: [{name: data, type: linux, size: 1M, at: 7M}]\n");
	struct action b = attempt("reserved: [{name: spl, at: 32K, size: 1K, from: root}]\n"
				  "partitions: [{name: data, type: esp, size: 1M}]\n");
	struct action c = attempt("reserved: [{name: spl, at: 32K, from: root}]\n"
				  "partitions: [{name: data, type: esp, size: 1M, at: 1M}]\n");
	struct err *err = NULL;

	make_image("boot.img", 512);
	make_image("root.img", 2 * M);
	ok(maker_disk.run(&a, &err), &err);
	at_place(action_output(&a, "install.img"), 0, "boot");
	at_place(action_output(&a, "install.img"), 508, "\0\0\x55\xaa"); /* the table's */
	at_place(action_output(&a, "install.img"), 8192, "root");
	at_place(action_output(&a, "install.img"), 8192 + 2 * M - 4, "root");
	refused(maker_disk.run(&b, &err), &err,
		"image 'root' has 2.0 MiB (2097152 bytes), more than its reserved area 'spl'");
	refused(maker_disk.run(&c, &err), &err,
		"partition 'data' at 1.0 MiB (1048576) would overwrite the reserved area 'spl'");
	arena_free(a.arena);
	arena_free(b.arena);
	arena_free(c.arena);
}

static void test_refused(void **state)
{
	struct action a = attempt(card), b = attempt("size: 30M\npartitions:\n"
						     "- {name: boot, type: esp, from: boot}\n"
						     "- {name: root, type: home, from: root}\n");
	struct err *err = NULL;

	make_image("boot.img", 8 * M);
	make_image("root.img", 21 * M);
	refused(maker_disk.run(&a, &err), &err,
		"image 'root' has 21.0 MiB (22020096 bytes), more than its partition 'root-a', "
		"which has 20.0 MiB");
	refused(maker_disk.run(&b, &err), &err, "raise its size");
	arena_free(a.arena);
	arena_free(b.arena);
}

static void wrong(const char *recipe, const char *what)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err_list errors cleanup_err_list = {0};
	struct yaml *y = yaml_parse(arena, "r", recipe, strlen(recipe), &errors);

	assert_null(schema_decode(kind_disk.schema, arena, y, NULL, &errors));
	has(errors.items[0]->text, what);
}

static void test_options(void **state)
{
	wrong("partitions: [{name: a, type: esp}]\n", "needs a 'size' or an image");
	wrong("partitions: [{name: a, type: epp, size: 1M}]\n", "'epp' is neither");
	wrong("partitions: [{name: a, type: esp, from: x, filesystem: vfat}]\n", "leave it out");
	wrong("partitions: [{name: a, type: esp, size: 1M, grow: true}, {name: b, type: esp, size: "
	      "1M}]\n",
	      "cannot grow");
	wrong("reserved: [{name: env, at: 5M, size: 1M}]\n"
	      "partitions: [{name: a, type: esp, size: 2M, at: 4M}]\n",
	      "would overwrite the reserved area 'env'");
	wrong("reserved: [{name: env, at: 4K, size: 1M}]\npartitions: [{name: a, type: esp, size: "
	      "1M}]\n",
	      "over the partition table");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_card),
		cmocka_unit_test(test_blobs),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
