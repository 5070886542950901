/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program of a tree: its loader is found in the tree, whatever kind of links lead to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "machine/sandbox/tree_program.h"
#include "tmp.h"

/* Copies this machine's FROM to TO in the tree, if it is not there yet. */
static void put(const char *from, const char *to)
{
	char *path cleanup_free = path_join(dir, to);
	struct err *err cleanup_err = NULL;

	assert_int_equal(path_mkparents(path, &err), 0);
	if (!path_exists(path))
		assert_int_equal(file_copy(from, path, 0755, &err), 0);
}

static int run(struct strv *argv, struct str *ret)
{
	struct err *err cleanup_err = NULL;

	return proc_output(strv_argv(argv), NULL, 64 * 1024, ret, &err);
}

/* The loader and the libraries of this machine's 'true', asked of the loader itself. */
static void put_program(const char *loader_to)
{
	struct strv argv cleanup_strv = {0}, list cleanup_strv = {0};
	struct str out cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	char *save = NULL;

	put("/bin/true", "usr/bin/true");
	assert_int_equal(tree_program("/", "bin/true", &argv, &err), 0);
	assert_true(argv.count == 4);
	put(argv.items[0], loader_to);
	strv_push(&list, argv.items[0]);
	strv_push(&list, "--list");
	strv_push(&list, "/bin/true");
	assert_int_equal(run(&list, &out), 0);
	for (char *word = strtok_r(out.buf, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save)) {
		if (strstr(word, ".so") && *word == '/') {
			char *to cleanup_free = path_dir(loader_to);
			char *file cleanup_free = path_join(to, path_base(word));

			put(word, file);
		}
	}
}

/* What the program asks for leads to where Debian 12 has it: by an absolute link. */
static void link_loader(const char *target)
{
	struct str head cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	char *link cleanup_free = NULL;
	const char *interp = NULL;

	assert_int_equal(file_read("/bin/true", 16 << 20, &head, &err), 0);
	for (size_t i = 0; i + 8 < head.len && !interp; i++) {
		if (memcmp(head.buf + i, "/lib", 4) == 0 && strstr(head.buf + i, "ld"))
			interp = head.buf + i;
	}
	assert_non_null(interp);
	link = xasprintf("%s%s", dir, interp);
	assert_int_equal(path_mkparents(link, &err), 0);
	assert_int_equal(symlink(target, link), 0);
}

static void test_absolute_link(void **state)
{
	struct strv argv cleanup_strv = {0};
	struct str out cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;

	put_program("usr/lib/here/ld.so");
	link_loader("/usr/lib/here/ld.so");
	assert_int_equal(tree_program(dir, "usr/bin/true", &argv, &err), 0);
	for (size_t i = 0; i < argv.count; i++) {
		if (i != 1)
			assert_non_null(str_skip(argv.items[i], dir));
	}
	assert_true(str_ends(argv.items[0], "/usr/lib/here/ld.so"));
	assert_true(str_ends(argv.items[2], "/usr/lib/here"));
	assert_int_equal(run(&argv, &out), 0);
}

/* A program of another architecture: its loader could not run here. */
static void test_foreign(void **state)
{
	char *path cleanup_free = path_join(dir, "usr/bin/true");
	struct strv argv cleanup_strv = {0};
	struct err *err cleanup_err = NULL;
	const unsigned char machine[] = {0x28, 0xff};
	int fd cleanup_fd = -1;

	put("/bin/true", "usr/bin/true");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, machine, sizeof(machine), 18), sizeof(machine));
	assert_int_equal(tree_program(dir, "usr/bin/true", &argv, &err), -1);
	assert_non_null(strstr(err->text, "not a program of this machine"));
}

static void test_what_is_missing(void **state)
{
	struct strv argv cleanup_strv = {0};
	struct err *a cleanup_err = NULL, *b cleanup_err = NULL, *c cleanup_err = NULL;

	assert_int_equal(tree_program(dir, "usr/bin/qemu", &argv, &a), -1);
	assert_int_equal(a->code->cls, ERR_USER);
	put("/bin/true", "usr/bin/true");
	assert_int_equal(tree_program(dir, "usr/bin/true", &argv, &b), -1);
	assert_non_null(strstr(b->text, "which '/usr/bin/true' needs"));
	put("/etc/passwd", "usr/bin/text");
	assert_int_equal(tree_program(dir, "usr/bin/text", &argv, &c), -1);
	assert_non_null(strstr(c->text, "not a program of this machine"));
	assert_int_equal(argv.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIR_TEST(test_absolute_link),
		DIR_TEST(test_foreign),
		DIR_TEST(test_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
