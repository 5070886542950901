/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file: on a disk that fails. libcurl takes a failing read() for the end of the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/http.h"
#include "base/path.h"
#include "tmp.h"

/* While it is more than 0, so many calls of read() on a file named 'torn' fail: libcurl's, too. */
static int bad_reads;

ssize_t read(int fd, void *buf, size_t size)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = bad_reads > 0 ? readlink(link, path, sizeof(path)) : -1;
	if (n > 5 && memcmp(path + n - 5, "/torn", 5) == 0 && lseek(fd, 0, SEEK_CUR) > 0) {
		bad_reads--;
		errno = EIO;
		return -1;
	}
	return syscall(SYS_read, fd, buf, size);
}

/* A disk that fails is not a file with other bytes, and not one that is gone. */
static void what_cannot_be_read_is_not_damaged(void **state)
{
	static char text[100000];
	char *file cleanup_free = path_join(dir, "torn");
	char *dest cleanup_free = path_join(dir, "dest");
	char *url cleanup_free = xasprintf("file://%s", file);
	struct http_source source = {url, NULL};
	struct digest right;
	struct http_item item = {.sources = &source,
				 .source_count = 1,
				 .dest = dest,
				 .sha256 = &right,
				 .name = "'it'"};
	struct err *err cleanup_err = NULL;

	digest_data(text, sizeof(text), &right);
	assert_int_equal(file_write(file, text, sizeof(text), 0600, false, &err), 0);
	unlink(dest);
	bad_reads = 1;
	assert_int_equal(http_fetch(&item, 1, NULL, &err), 0);
	assert_int_equal(bad_reads, 0);
	assert_true(path_exists(dest));
	unlink(dest);
	bad_reads = 1000;
	assert_int_equal(http_fetch(&item, 1, NULL, &err), -1);
	bad_reads = 0;
	assert_int_equal(err->code->cls, ERR_NET);
	assert_non_null(strstr(err->text, " of its 100000 bytes only"));
	assert_false(item.gone);
	assert_false(path_exists(dest));
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_read_is_not_damaged),
	};

	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
