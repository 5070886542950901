/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies of a directory for another user (here: for ourselves), and what comes back of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mirror.h"
#include "tmp.h"

static int top = -1; /* of the directory */
static char *copy;

static char *in(const char *where, const char *name)
{
	char *from cleanup_free = path_join(dir, where);

	return path_join(from, name);
}

static void put(const char *where, const char *name, const char *text, mode_t mode)
{
	char *path cleanup_free = in(where, name);
	struct err *err = NULL;

	if (path_mkparents(path, &err) < 0 ||
	    file_write(path, text, strlen(text), mode, false, &err) < 0)
		fail_msg("%s", err->text);
}

/* What is in a file; "-": nothing is there, "->TO": a link. */
static const char *got(const char *where, const char *name)
{
	static char text[256];
	char *path cleanup_free = in(where, name);
	int fd cleanup_fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		n = readlink(path, text + 2, sizeof(text) - 3);
		memcpy(text, n < 0 ? "-" : "->", 2);
		text[n < 0 ? 1 : n + 2] = 0;
		return text;
	}
	n = read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = 0;
	return text;
}

static void out_of(const char *where, const char *name)
{
	char *path cleanup_free = in(where, name);
	struct err *err = NULL;

	if (path_remove(path, &err) < 0)
		fail_msg("%s", err->text);
}

static void link_to(const char *where, const char *name, const char *to)
{
	char *path cleanup_free = in(where, name);

	assert_int_equal(symlink(to, path), 0);
}

static int setup(void **state)
{
	char *project = NULL;

	if (dir_setup(state) < 0)
		return -1;
	project = path_join(dir, "project");
	copy = path_join(dir, "copy");
	put("project", "recipe", "one", 0644);
	put("project", "sub/deep/file", "two", 0600);
	put("project", "store/blob", "large", 0644);
	link_to("project", "out", "../elsewhere");
	top = open(project, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(project);
	return top < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	fd_closep(&top);
	free(steal_ptr(copy));
	return dir_teardown(state);
}

static struct mirror *opened(void)
{
	char *store cleanup_free = in("project", "store");
	struct err *err = NULL;
	struct mirror *m = NULL;

	if (mirror_open(top, copy, geteuid(), store, &m, &err) < 0)
		fail_msg("%s", err->text);
	return m;
}

static void taken_back(struct mirror *m)
{
	struct err *err = NULL;

	if (mirror_take_back(m, &err) < 0)
		fail_msg("%s", err->text);
	mirror_free(m);
}

static void test_there(void **state)
{
	char *path cleanup_free = in("copy", "sub/deep/file");
	struct stat st;

	mirror_free(opened());
	assert_string_equal(got("copy", "recipe"), "one");
	assert_string_equal(got("copy", "sub/deep/file"), "two");
	assert_string_equal(got("copy", "out"), "->../elsewhere");
	assert_string_equal(got("copy", "store/blob"), "-");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

/* A copy that is there already: all that differs becomes as it should be. */
static void test_again(void **state)
{
	char *path cleanup_free = in("copy", "recipe");
	struct stat before, after;

	mirror_free(opened());
	assert_int_equal(stat(path, &before), 0);
	put("copy", "stale/file", "x", 0644);
	out_of("copy", "sub");
	link_to("copy", "sub", "/etc");
	put("project", "recipe2", "new", 0644);
	mirror_free(opened());
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino); /* it was left alone */
	assert_string_equal(got("copy", "stale/file"), "-");
	assert_string_equal(got("copy", "sub/deep/file"), "two");
	assert_string_equal(got("copy", "recipe2"), "new");
}

static void test_back(void **state)
{
	struct mirror *m;

	put("project", "gone/a", "a", 0644);
	m = opened();
	put("copy", "recipe", "ONE", 0644);
	put("copy", "made/here", "three", 0644);
	put("project", "mine", "meanwhile", 0644);
	put("project", "sub/deep/file", "edited meanwhile", 0600);
	put("project", "gone/b", "b", 0644);
	out_of("copy", "gone");
	taken_back(m);
	assert_string_equal(got("project", "recipe"), "ONE");
	assert_string_equal(got("project", "made/here"), "three");
	assert_string_equal(got("project", "mine"), "meanwhile");
	assert_string_equal(got("project", "sub/deep/file"), "edited meanwhile");
	assert_string_equal(got("project", "gone/a"), "-");
	assert_string_equal(got("project", "gone/b"), "b");
	assert_string_equal(got("project", "store/blob"), "large");
	assert_string_equal(got("copy", "sub/deep/file"), "-"); /* as a key would be */
}

/* Nothing leads out of the directory, and no link comes into it. */
static void test_links(void **state)
{
	struct mirror *m = opened();
	struct err *err cleanup_err = NULL;

	put("elsewhere", "x", "theirs", 0644);
	link_to("copy", "made", "/etc/passwd");
	out_of("copy", "out");
	put("copy", "out/x", "ours", 0644);
	assert_int_equal(mirror_take_back(m, &err), -1);
	mirror_free(m);
	assert_string_equal(got("elsewhere", "x"), "theirs");
	assert_string_equal(got("project", "made"), "-");
}

#define MIRROR_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {MIRROR_TEST(test_there), MIRROR_TEST(test_again),
					   MIRROR_TEST(test_back), MIRROR_TEST(test_links)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
