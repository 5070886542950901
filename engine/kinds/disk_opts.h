/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind disk, and the layout they ask for. */
#include "media/layout.h"
#include "recipe/schema.h"

struct disk_area {
	const char *name;
	uint64_t at, size;
};

struct disk_part {
	const char *name, *type, *label;
	struct ref *from;
	uint64_t size, at;
	int region, filesystem;
	bool grow;
};

struct disk_opts {
	int table;
	uint64_t size;
	struct list reserved;   /* of struct disk_area * */
	struct list partitions; /* of struct disk_part * */
};

/* P as the layout takes it, with SIZE bytes; not yet placed. */
struct layout_part disk_layout_part(const struct disk_part *p, uint64_t size);
/* The layout that the options ask for, not yet placed; SIZES has the size of each partition. */
void disk_layout(const struct disk_opts *o, const uint64_t *sizes, struct layout *ret);
