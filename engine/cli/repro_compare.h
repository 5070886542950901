/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Two files that a node made from the same inputs and that are not equal: where they differ, from
 * the whole to the part: partition, block, file, package, likely cause.
 */
#include "base/err.h"
#include "evidence/cause.h"

struct repro_side {
	const char *file;    /* absolute */
	const char *project; /* the directory in which it was made */
	int64_t from, until; /* when, seconds since 1970 */
};
/* Texts in ARENA; those that do not apply are NULL. */
struct repro_difference {
	const char *partition;
	uint64_t offset;           /* bytes; the first that differs */
	uint64_t blocks, compared; /* of 4 KiB: that differ, of the longer one */
	const char *path;          /* of the first file in it that differs */
	const char *what;          /* of that: "content", "mode", ..., "only in the first" */
	const char *package;
	size_t files; /* in it that differ */
	enum cause cause;
};

#define REPRO_BLOCK 4096

/* 0, or 1: they are equal. SCRATCH: a directory for what has to be unpacked. */
int repro_compare(struct arena *arena, const char *scratch, const struct repro_side *a,
		  const struct repro_side *b, struct repro_difference *ret,
		  struct err **err) warn_unused;
