/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories that must stay as they were made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dirseal.h"
#include "base/file.h"
#include "base/path.h"
#include "tmp.h"

static char *top, *file, *sealed; /* a directory, a file in it, its seal */

static void put(const char *path, const char *text)
{
	struct err *err = NULL;

	if (file_write(path, text, strlen(text), 0644, false, &err) < 0)
		fail_msg("%s", err->text);
}

static int setup(void **state)
{
	char *sub cleanup_free = NULL;

	if (dir_setup(state) < 0)
		return -1;
	top = path_join(dir, "top");
	sub = path_join(top, "sub");
	file = path_join(sub, "file");
	sealed = path_join(dir, "seal");
	if (mkdir(top, 0755) < 0 || mkdir(sub, 0755) < 0)
		return -1;
	put(file, "as it was");
	return 0;
}

static int teardown(void **state)
{
	free(top);
	free(file);
	free(sealed);
	return dir_teardown(state);
}

static struct dirseal seal(const char *to)
{
	struct err *err = NULL;
	struct dirseal s;

	if (dirseal_make(top, to, &err) < 0)
		fail_msg("%s", err->text);
	assert_int_equal(dirseal_read(to, &s), 0);
	return s;
}

static int look(const struct dirseal *s, bool hash)
{
	struct err *err = NULL;
	int rc = dirseal_check(top, sealed, s, hash, &err);

	if (rc < 0)
		fail_msg("%s", err->text);
	return rc;
}

/* Writes into the file and puts its time back. */
static void change(const char *text)
{
	int fd cleanup_fd = open(file, O_WRONLY | O_CLOEXEC);
	struct timespec times[2];
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(futimens(fd, times), 0);
}

static void as_it_was(void **state)
{
	struct dirseal s = seal(sealed), now;

	assert_int_equal(s.bytes, strlen("as it was"));
	assert_int_equal(look(&s, false), 0);
	assert_int_equal(dirseal_read(sealed, &now), 0);
	assert_true(now.looked_ns > s.looked_ns);
	assert_true(now.hashed_ns == s.hashed_ns);
	assert_int_equal(look(&s, true), 0);
	assert_int_equal(dirseal_read(sealed, &now), 0);
	assert_true(now.hashed_ns > s.hashed_ns);
}

static void written_to(void **state)
{
	struct dirseal s = seal(sealed);

	change("as it is!");
	assert_int_equal(look(&s, false), 1);
}

/* Other times alone: hashed once, and known by its new stamp after that. */
static void touched(void **state)
{
	struct dirseal s = seal(sealed), now;

	assert_int_equal(utimensat(AT_FDCWD, file, NULL, 0), 0);
	assert_int_equal(look(&s, false), 0);
	assert_int_equal(dirseal_read(sealed, &now), 0);
	assert_false(digest_eq(&now.stamp, &s.stamp));
	assert_true(now.hashed_ns > s.hashed_ns);
}

/* What a disk loses by itself: other bytes under the same stamp. */
static void decayed(void **state)
{
	struct dirseal s = seal(sealed), other;
	char *aside cleanup_free = path_join(dir, "aside");

	change("as it is!");
	other = seal(aside);
	s.stamp = other.stamp;
	assert_int_equal(look(&s, false), 0);
	assert_int_equal(look(&s, true), 1);
}

static void structure(void **state)
{
	static const char *const names[] = {"new", "link"};
	struct dirseal s = seal(sealed);

	for (size_t i = 0; i < array_len(names); i++) {
		char *path cleanup_free = path_join(top, names[i]);

		if (i == 0)
			put(path, "");
		else
			assert_int_equal(symlink("sub", path), 0);
		assert_int_equal(look(&s, true), 1);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(look(&s, true), 0);
	assert_int_equal(chmod(file, 0755), 0);
	assert_int_equal(look(&s, false), 1);
}

static void no_seal(void **state)
{
	struct dirseal s;

	assert_int_equal(dirseal_read(sealed, &s), 1);
	put(sealed, "orch-seal 1\ncontent 00\n");
	assert_int_equal(dirseal_read(sealed, &s), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(as_it_was), TEST(written_to), TEST(touched),
		TEST(decayed),   TEST(structure),  TEST(no_seal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
