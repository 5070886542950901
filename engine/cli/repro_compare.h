/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Two files that a node made from the same inputs and that are not equal: where they differ, from
 * the whole to the part: partition, block, file, package, likely cause.
 */
#include "base/err.h"
#include "evidence/cause.h"
#include "media/disk/blocks.h"

struct repro_side {
	const char *file;    /* absolute */
	const char *project; /* the directory in which it was made */
	int64_t from, until; /* when, seconds since 1970 */
	unsigned cpus;       /* that it was made on; 0: not known */
};
/* Texts in ARENA; those that do not apply are NULL. */
struct repro_place {
	size_t part;      /* index of the partition, of a disk alone */
	const char *path; /* of a file in it; NULL: its bytes differ, and no file of it does */
	const char *what; /* of that: "content", "mode", ..., "only in the first" */
	const char *package;
	enum cause cause;
};
DEFINE_VEC(repro_places, struct repro_place)
struct repro_part {       /* a partition, or what is in none */
	const char *name; /* "root-a"; NULL: the bytes that are in none */
	uint64_t offset;  /* bytes, from the beginning of the disk; the block that differs first */
	uint64_t blocks;  /* that differ */
};
DEFINE_VEC(repro_parts, struct repro_part)
struct repro_difference {
	uint64_t offset;            /* bytes; the first that differs */
	uint64_t blocks, compared;  /* of BLOCK_BYTES: that differ, of the longer one */
	struct repro_parts parts;   /* of a disk: those that differ */
	struct repro_places places; /* in the order of the parts; at least one */
};

/*
 * 0, or 1: they are equal. SCRATCH: a directory for what has to be unpacked. RET is to be cleared
 * with repro_difference_clear().
 */
int repro_compare(struct arena *arena, const char *scratch, const struct repro_side *a,
		  const struct repro_side *b, struct repro_difference *ret,
		  struct err **err) warn_unused;
void repro_difference_clear(struct repro_difference *d);
#define cleanup_repro_difference __attribute__((cleanup(repro_difference_clear)))
