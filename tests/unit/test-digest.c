/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "tmp.h"

static void digests_match_the_standard(void **state)
{
	char hex[DIGEST_HEX + 1];
	struct digest d, back;

	digest_data("abc", 3, &d); /* FIPS 180-4 example */
	assert_string_equal(digest_hex(&d, hex),
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(digest_parse(hex, &back), 0);
	assert_true(digest_eq(&d, &back));
	hex[5] = 'g';
	assert_int_equal(digest_parse(hex, &back), 1);
}

static void a_digest_of_the_beginning(void **state)
{
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = path_join(dir, "head");
	struct digest want, got;
	int fd cleanup_fd = -1;

	assert_int_equal(file_write(path, "abcdef", 6, 0644, false, &err), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	digest_data("abc", 3, &want);
	assert_int_equal(digest_head(fd, path, 3, &got, &err), 0);
	assert_true(digest_eq(&want, &got));
	digest_data("abcdef", 6, &want);
	assert_int_equal(digest_head(fd, path, 7, &got, &err), 0);
	assert_true(digest_eq(&want, &got));
}

static void uuids_are_read(void **state)
{
	static const char *const wrong[] = {
		"", "afcfea87-e41a-40e0-85ae-295c60773c7", "afcfea87-e41a-40e0-85ae-295c60773c7aa",
		"afcfea87e41a-40e0-85ae-295c-60773c7a", "afcfea87-e41a-40e0-85ae-295c60773c7g"};
	unsigned char id[16], kept[16];
	char text[37];

	assert_int_equal(uuid_parse("AFCFEA87-e41a-40e0-85ae-295c60773c7a", id), 0);
	assert_string_equal(uuid_format(id, text), "afcfea87-e41a-40e0-85ae-295c60773c7a");
	memcpy(kept, id, sizeof(id));
	for (size_t i = 0; i < array_len(wrong); i++)
		assert_int_equal(uuid_parse(wrong[i], id), 1);
	assert_memory_equal(id, kept, sizeof(id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_match_the_standard),
		cmocka_unit_test(a_digest_of_the_beginning),
		cmocka_unit_test(uuids_are_read),
	};

	return cmocka_run_group_tests_name("digest", tests, dir_setup, dir_teardown);
}
