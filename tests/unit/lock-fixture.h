/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Pieces of locks, and a project's directory (tmp.h) to put them into. */
#include "base/file.h"
#include "kinds/debian/debian.h"
#include "kinds/debian/lock_check.h"
#include "kinds/kinds.h"
#include "tmp.h"

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define START "orch-lock 2\n# Made by 'orch lock'; what the recipe's packages are, exactly.\n"
#define HEAD START "request " SUM "\narch arm64\ndate 1700000000\n"
#define ARCHIVE "archive debian trixie,trixie-updates main debian\n"
#define WANT "want aa aa\n"
#define A "package debian aa 1 all pool/aa.deb 5 " SUM " src 1-1 7 bb\n"
#define B "package debian bb 1~rc1 arm64 pool/bb.deb 6 " SUM " bb 1 0 -\n"

static const struct kind *const kinds[] = {&kind_debian, NULL};

/* BODY with the digest line that belongs to it. Heap. */
static inline char *seal(const char *body)
{
	struct digest d;
	char hex[DIGEST_HEX + 1];

	digest_data(body, strlen(body), &d);
	return xasprintf("%sdigest %s\n", body, digest_hex(&d, hex));
}

static inline void put(const char *name, const char *text, size_t len)
{
	char *path cleanup_free = path_join(dir, name);
	char *parent cleanup_free = path_dir(path);
	struct err *err = NULL;

	assert_int_equal(path_mkdirs(parent, &err), 0);
	assert_int_equal(file_write(path, text, len, 0644, false, &err), 0);
}

/* What lock_check() finds wrong with the lock of NODE. */
static inline size_t count_errors(struct arena *arena, const struct project *p, const char *node)
{
	struct err_list errors cleanup_err_list = {0};

	lock_check(arena, p, map_get(&p->recipes, node), &errors);
	return errors.count;
}
