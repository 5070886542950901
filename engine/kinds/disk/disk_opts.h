/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind disk, the layout they ask for, and the facts it makes. */
#include "media/disk/layout.h"
#include "recipe/kind.h"

struct disk_area {
	struct pos pos; /* OPT_PLACED */
	const char *name;
	uint64_t at, size;
};

struct disk_part {
	struct pos pos; /* OPT_PLACED */
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

extern const struct schema disk_area_schema, disk_part_schema; /* of an entry of the lists */

/* P as the layout takes it, with SIZE bytes; not yet placed. */
struct layout_part disk_layout_part(const struct disk_part *p, uint64_t size);
/* The layout that the options ask for, not yet placed; SIZES has the size of each partition. */
void disk_layout(const struct disk_opts *o, const uint64_t *sizes, struct layout *ret);

/* disk_facts.c: the hooks of struct kind. */
extern const struct fact_help disk_fact_help[];
enum fact_result disk_fact(struct facts *f, const struct recipe *r, const char *name,
			   struct str *ret);
void disk_fact_names(struct facts *f, const struct recipe *r, struct strs *ret);
/* For facts of devices; RET as for a fact. The argument of U-Boot's `gpt write` for the table: */
enum fact_result disk_gpt_write(struct facts *f, const struct recipe *r, struct str *ret);
/* RAUC's type of a slot in partition NAME, by what file system it holds. */
enum fact_result disk_slot_type(struct facts *f, const struct recipe *r, const char *name,
				struct str *ret);
/* The last word of the fact that tells where the partition or area NAME begins. */
const char *disk_place_fact(struct facts *f, const struct recipe *r, const char *name);
/* The names of the partitions, in order. */
void disk_part_names(struct facts *f, const struct recipe *r, struct strs *ret);
