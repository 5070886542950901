/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cached appliance: one that has changed, or that nobody saw being built, is not used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "machine/guest/appliance_seal.h"
#include "tmp.h"

static char *root; /* of the appliance: the file that it boots from */

static void build(void)
{
	struct err *err cleanup_err = NULL;
	char *above cleanup_free = path_dir(root);

	assert_int_equal(path_mkdirs(above, &err), 0);
	assert_int_equal(file_write(root, "a system", 8, 0644, false, &err), 0);
}

/* Whether the appliance is still there when it is looked at. */
static bool look(bool *ret_changed)
{
	struct appliance_seal s cleanup_appliance_seal = {0};
	struct err *err cleanup_err = NULL;

	assert_int_equal(appliance_seal_check(dir, &s, &err), 0);
	*ret_changed = s.changed;
	assert_true(path_exists(root) == (s.lock == 0));
	return path_exists(root);
}

/* As a launch does. */
static void use(void)
{
	struct appliance_seal s cleanup_appliance_seal = {0};
	struct err *err cleanup_err = NULL;

	assert_int_equal(appliance_seal_check(dir, &s, &err), 0);
	if (!path_exists(root))
		build();
	assert_int_equal(appliance_seal_make(dir, &s, &err), 0);
	assert_int_equal(s.lock, 0);
}

static void what_is_as_it_was_is_used(void **state)
{
	bool changed;

	use();
	assert_true(look(&changed));
	assert_false(changed);
	use();
	assert_true(look(&changed));
}

static void what_nobody_saw_being_built_is_not(void **state)
{
	char *seal cleanup_free = xasprintf("%s/%u.seal", dir, (unsigned)geteuid());
	bool changed;

	use();
	assert_int_equal(unlink(seal), 0);
	assert_false(look(&changed));
	assert_false(changed);
	build(); /* and died */
	assert_false(look(&changed));
}

/* A bit, with the file's times put back. */
static void what_has_changed_is_not(void **state)
{
	int fd cleanup_fd = -1;
	struct stat st;
	bool changed;

	use();
	assert_int_equal(stat(root, &st), 0);
	fd = open(root, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "A", 1, 0), 1);
	assert_int_equal(futimens(fd, (struct timespec[]){st.st_atim, st.st_mtim}), 0);
	assert_false(look(&changed));
	assert_true(changed);
	use();
	assert_true(look(&changed));
}

static int setup(void **state)
{
	if (dir_setup(state) < 0)
		return -1;
	root = xasprintf("%s/.guestfs-%u/appliance.d/root", dir, (unsigned)geteuid());
	return 0;
}

static int teardown(void **state)
{
	free(root);
	return dir_teardown(state);
}
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_as_it_was_is_used),
		TEST(what_nobody_saw_being_built_is_not),
		TEST(what_has_changed_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
