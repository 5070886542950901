/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The directory of a test, DIR: made by dir_setup(), removed with all it holds by dir_teardown().
 * Both have the form of cmocka's fixtures, for a group or for a single test.
 */
#include "base/path.h"
#include "base/tmp.h"

static char *dir;

static inline int dir_setup(void **state)
{
	struct err *err cleanup_err = NULL;

	return tmp_dir("/tmp", "orch-test", &dir, &err);
}

static inline int dir_teardown(void **state)
{
	struct err *err cleanup_err = NULL;

	if (path_remove(dir, &err) < 0)
		return -1;
	free(steal_ptr(dir));
	return 0;
}

/* A test with such a directory of its own. */
#define DIR_TEST(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)
