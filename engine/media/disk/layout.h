/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Where partitions lie. Pure: nothing is read or written; gpt.h applies a placed layout to a file.
 *
 *	struct layout l = {.arena = arena, ...};   // fill size, areas and parts
 *	layout_place(&l, err);                     // sets each part's start and size, first, size
 *
 * Starts and sizes are multiples of 1 MiB. The gap before the partitions is where boot loaders
 * keep data outside of any file system: reserved areas lie there, after the table's 34 sectors.
 * With such areas the first partition starts at the next multiple of 4 MiB (the allocation unit of
 * SD cards). The first usable block is the start of the first partition, so that no tool takes the
 * gap for free space. A partition may own a region that is larger than itself (RAUC's
 * boot-gpt-switch): the rest of the region stays free of other partitions.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"

#define LAYOUT_ALIGN ((uint64_t)1 << 20)
/* The size that a partition has when SIZE is asked for. */
static inline uint64_t layout_round(uint64_t size)
{
	return (size + LAYOUT_ALIGN - 1) / LAYOUT_ALIGN * LAYOUT_ALIGN;
}
#define LAYOUT_GPT_HEAD (34 * 512) /* bytes in front that the table needs; the backup takes 33 */

struct layout_area {
	const char *name;
	uint64_t at, size; /* bytes */
};
DEFINE_VEC(layout_areas, struct layout_area)

struct layout_part {
	const char *name;
	const char *type; /* a word of layout_type_words or a GUID */
	uint64_t at;      /* wished start, bytes; 0: after the one before */
	uint64_t size;    /* bytes, rounded up; 0: what the disk has left (last partition only) */
	unsigned regions; /* the region is so many times the size; 0 counts as 1 */
	bool grow;        /* to be grown into the rest of the medium on first boot */
	uint64_t start;   /* result */
};
DEFINE_VEC(layout_parts, struct layout_part)

struct layout {
	uint64_t size;  /* of the disk, bytes; 0: as large as needed */
	uint64_t first; /* result: first usable byte */
	struct layout_areas areas;
	struct layout_parts parts;
};

int layout_place(struct layout *l, struct err **err) warn_unused;
void layout_clear(struct layout *l);
#define cleanup_layout __attribute__((cleanup(layout_clear)))

/* The GUID of a type word (or of a GUID in any case), upper case, or NULL. */
const char *layout_type_guid(const char *type, char buf[37]);
/* All type words, for messages; ended by NULL. */
extern const char *const layout_type_words[];
