/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind repository, and what its node and `orch publish` both know of its layout. */
#include "recipe/schema.h"

#define REPOSITORY_OUTPUT "repository.tar"

struct repository_opts {
	struct list packages;      /* of struct ref * */
	struct list architectures; /* of const char * */
	const char *suite, *component;
	const char *origin; /* NULL: the project's name */
	const char *valid_for;
	const char *date; /* NULL: of the locks behind the packages */
	struct ref *sign, *tools;
};

/* "180d", "4w" or "12h" as seconds. 0, or 1 when TEXT is none of them. */
int repository_span(const char *text, uint64_t *ret);
/*
 * When the state described by O, of which locks have date LOCK_DATE (0: none), was made, seconds
 * since 1970: 0, or 1 when nothing says so.
 */
int repository_date(const struct repository_opts *o, uint64_t lock_date, uint64_t *ret);
