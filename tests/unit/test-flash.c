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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_byte_that_was_not_kept_is_found, make_files,
						remove_files),
		cmocka_unit_test_setup_teardown(a_card_too_small_is_refused, make_files,
						remove_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
