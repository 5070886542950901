/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the tests of media share: a temporary directory, the distribution's own tools, short checks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/vec.h"
#include "tmp.h"

static struct strv names;

static inline int setup(void **state)
{
	return dir_setup(state);
}

static inline int teardown(void **state)
{
	strv_clear(&names);
	return dir_teardown(state);
}

/* DIR/NAME; lives until the end of the tests. */
static inline const char *at(const char *name)
{
	strv_take(&names, path_join(dir, name));
	return names.items[names.count - 1];
}

static inline void ok(int rc, struct err **err)
{
	if (rc < 0)
		fail_msg("%s", (*err)->text);
	assert_int_equal(rc, 0);
}

/* The call failed and its message says TEXT. */
static inline void refused(int rc, struct err **err, const char *text)
{
	assert_int_equal(rc, -1);
	if (!strstr((*err)->text, text))
		fail_msg("'%s' does not say '%s'", (*err)->text, text);
	err_free(*err);
	*err = NULL;
}

/* What path_program() finds for us, the programs that are started find as well: env, sh. */
static inline void find_programs(void)
{
	const char *path = getenv("PATH");
	char *more = xasprintf("%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");

	if (!path || !strstr(path, "/sbin:/sbin"))
		assert_int_equal(setenv("PATH", more, 1), 0);
	free(more);
}

static inline char *output(char *const argv[])
{
	struct err *err = NULL;
	struct str out = STR_INIT;
	struct proc_opts opts = {.cwd = dir};

	find_programs();
	ok(proc_output(argv, &opts, 1 << 20, &out, &err), &err);
	return str_steal(&out);
}

/* Runs a program in DIR, which must succeed; OUTPUT returns what it printed, on the heap. */
#define RUN(...) free(output((char *[]){__VA_ARGS__, NULL}))
#define OUTPUT(...) output((char *[]){__VA_ARGS__, NULL})

static inline void has(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("'%s' is not in:\n%s", what, text);
}

static inline void put(const char *name, const char *text)
{
	struct err *err = NULL;

	ok(path_mkparents(at(name), &err), &err);
	ok(file_write(at(name), text, strlen(text), 0644, false, &err), &err);
}

/* A new sparse file. */
static inline void blank(const char *name, uint64_t size)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	close(fd);
}

static inline bool same(const char *a, const char *b)
{
	struct err *err = NULL;
	struct digest da, db;

	ok(digest_file(at(a), &da, &err), &err);
	ok(digest_file(at(b), &db, &err), &err);
	return digest_eq(&da, &db);
}
