/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "machine/flash.h"
#include "machine/flash_disk.h"
#include "tmp.h"

#define SIZE (3u << 20)

static char *image_path, *card_path;

/* An image with data at its ends and a hole between; a card full of something else. */
static int make_files(void **state)
{
	struct str old cleanup_str = STR_INIT;
	struct err *err = NULL;

	if (dir_setup(state) < 0)
		return -1;
	image_path = path_join(dir, "image");
	card_path = path_join(dir, "card");
	memset(str_reserve(&old, SIZE + 4096), 'o', SIZE + 4096);
	return file_write(image_path, "begin", 5, 0644, false, &err) ||
			       truncate(image_path, SIZE - 3) < 0 ||
			       file_write(card_path, old.buf, SIZE + 4096, 0644, false, &err)
		       ? -1
		       : 0;
}

static int remove_files(void **state)
{
	free(image_path);
	free(card_path);
	return dir_teardown(state);
}

static void a_byte_that_was_not_kept_is_found(void **state)
{
	struct flash m cleanup_flash = {.fd = -1};
	struct err *err cleanup_err = NULL;
	int image cleanup_fd = open(image_path, O_RDONLY | O_CLOEXEC);
	char tail[8] = "";

	assert_int_equal(flash_open(card_path, false, &m, &err), 0);
	assert_int_equal(flash_fits(&m, SIZE - 3, &err), 0);
	assert_int_equal(flash_write(&m, image, "image", NULL, NULL, &err), 0);
	assert_int_equal(flash_verify(&m, image, "image", NULL, NULL, &err), 0);
	assert_int_equal(pread(m.fd, tail, 4, SIZE - 4), 4);
	assert_memory_equal(tail, "\0ooo", 4); /* what is behind the image is left alone */
	assert_int_equal(pwrite(m.fd, "x", 1, 2 << 20), 1);
	assert_int_equal(flash_verify(&m, image, "image", NULL, NULL, &err), -1);
	assert_int_equal(err->code->cls, ERR_INTEGRITY);
	assert_non_null(strstr(err->text, "verification failed at byte 2097152"));
}

static void a_card_too_small_is_refused(void **state)
{
	struct flash m cleanup_flash = {.fd = -1};
	struct err *err cleanup_err = NULL;

	assert_int_equal(flash_open(card_path, false, &m, &err), 0);
	assert_int_equal(flash_fits(&m, 2 * SIZE, &err), -1);
	assert_int_equal(err->code->cls, ERR_USER);
	assert_non_null(strstr(err->text, "the image needs 6.0 MiB"));
}

/* A disk of a made-up /sys: its files, as in "size", "2048". */
static void put_disk(const char *name, const char *const *files)
{
	for (; files[0]; files += 2) {
		char *path cleanup_free = xasprintf("%s/sys/block/%s/%s", dir, name, files[0]);
		struct err *err = NULL;

		assert_int_equal(path_mkparents(path, &err), 0);
		assert_int_equal(file_write(path, files[1], strlen(files[1]), 0644, false, &err),
				 0);
	}
}

static void put_proc(const char *name, const char *text)
{
	char *path cleanup_free = xasprintf("%s/proc/%s", dir, name);
	struct err *err = NULL;

	assert_int_equal(path_mkparents(path, &err), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0644, false, &err), 0);
}

static void disks_are_told_with_what_speaks_against_them(void **state)
{
	static const struct {
		const char *name, *why; /* of sda to sdi; what is not here is not told */
	} want[] = {
		{"sda", "'/dev/sda1' is mounted at '/boot': unmount it first"},
		{"sdb", NULL},
		{"sdc", "read-only: look for a switch on the card"},
		{"sdd", "too small: the image needs 1.0 MiB"},
		{"sde", "is part of another device"},
		{"sdf", "not removable, or larger than cards are: with --fixed alone"},
		{"sdg", "'/dev/sdg' is swap of this machine"},
		{"sdi", "'/dev/sdi2' is what this machine runs from"},
	};
	struct flash_disks disks = {0};
	struct err *err cleanup_err = NULL;

	put_proc("self/mountinfo", "22 1 8:1 / /boot rw - ext4 /dev/sda1 rw\n"
				   "23 1 8:130 / / rw - ext4 /dev/sdi2 rw\n");
	put_proc("swaps", "Filename Type Size Used Priority\n/dev/sdg partition 1 0 -2\n");
	put_disk("sda", (const char *[]){"size", "4096\n", "removable", "1\n", "dev", "8:0\n",
					 "sda1/dev", "8:1\n", "sda1/partition", "1\n", NULL});
	put_disk("sdb", (const char *[]){"size", "4096\n", "removable", "1\n", "dev", "8:16\n",
					 "device/model", "Card Reader \n", "device/serial", "77\n",
					 "sdb1/partition", "1\n", "sdb2/partition", "2\n", NULL});
	put_disk("sdc", (const char *[]){"size", "4096", "removable", "1", "ro", "1", NULL});
	put_disk("sdd", (const char *[]){"size", "2047", "removable", "1", NULL});
	put_disk("sde",
		 (const char *[]){"size", "4096", "removable", "1", "holders/dm-0", "", NULL});
	put_disk("sdf", (const char *[]){"size", "4096", "removable", "0", NULL});
	put_disk("sdg", (const char *[]){"size", "4096", "removable", "1", NULL});
	put_disk("sdh", (const char *[]){"size", "0", "removable", "1", NULL}); /* no medium */
	put_disk("sdi", (const char *[]){"size", "4096", "removable", "1", "sdi2/dev", "8:130\n",
					 "sdi2/partition", "2\n", NULL});
	put_disk("sr0", (const char *[]){"size", "4096", "removable", "1", NULL});
	assert_int_equal(flash_disks_list(dir, 1 << 20, &disks, &err), 0);
	assert_int_equal(disks.count, array_len(want));
	for (size_t i = 0; i < array_len(want); i++) {
		assert_string_equal(disks.items[i].name, want[i].name);
		if (want[i].why)
			assert_non_null(strstr(disks.items[i].why, want[i].why));
		else
			assert_null(disks.items[i].why);
	}
	assert_string_equal(disks.items[1].model, "Card Reader");
	assert_string_equal(disks.items[1].serial, "77");
	assert_int_equal(disks.items[1].size, 4096 * 512);
	assert_int_equal(disks.items[1].partitions, 2);
	flash_disks_release(&disks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_byte_that_was_not_kept_is_found, make_files,
						remove_files),
		cmocka_unit_test_setup_teardown(a_card_too_small_is_refused, make_files,
						remove_files),
		cmocka_unit_test_setup_teardown(disks_are_told_with_what_speaks_against_them,
						dir_setup, dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
