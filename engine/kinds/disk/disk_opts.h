/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind disk, the layout they ask for, and the facts it makes. */
#include "kinds/beside_opts.h"
#include "media/disk/layout.h"

struct disk_area {
	struct pos pos; /* OPT_PLACED */
	const char *name;
	uint64_t at, size; /* size: 0: that of what FROM names */
	struct ref *from;
};

/* What RAUC finds as installed by itself, below a partition's root. */
struct disk_installed {
	const char *data_directory, *statusfile; /* statusfile: or NULL */
	const char *version;                     /* of what is in the slots, or NULL */
	struct list slots; /* of struct pair *: "rootfs.0" and a partition of the disk */
};

struct disk_part {
	struct pos pos; /* OPT_PLACED */
	const char *name, *type, *mbr_type, *label;
	const char *uuid; /* in a GPT; NULL: derived */
	struct ref *from;
	uint64_t size, at;
	int region, filesystem;
	bool grow, active;
	struct disk_installed *installed; /* or NULL */
};

struct disk_opts {
	int table; /* enum layout_table */
	int64_t entries;
	uint64_t entries_at, align;
	const char *uuid; /* of the disk: of a GPT a UUID, of an MBR 8 hex digits; NULL: derived */
	struct list formats; /* of int, enum disk_format; none: DISK_RAW alone */
	struct ref *tools;   /* or NULL */
	uint64_t size;
	struct list reserved;   /* of struct disk_area * */
	struct list partitions; /* of struct disk_part * */
	struct beside_opts beside;
};

enum disk_format { DISK_RAW, DISK_ZST, DISK_XZ, DISK_BMAP, DISK_QCOW2, DISK_FORMATS };
bool disk_has_format(const struct disk_opts *o, enum disk_format format);
/* What stands behind the node's name for a format: ".img.zst". */
extern const char *const disk_endings[DISK_FORMATS];
/* The program that makes a format, or NULL. */
extern const char *const disk_programs[DISK_FORMATS];

extern const struct schema disk_area_schema, disk_part_schema; /* of an entry of the lists */

/* P as the layout takes it, with SIZE bytes; not yet placed. */
struct layout_part disk_layout_part(const struct disk_part *p, uint64_t size);
/*
 * The layout that the options ask for, not yet placed; SIZES has the size of each partition, AREAS
 * that of each reserved area.
 */
void disk_layout(const struct disk_opts *o, const uint64_t *sizes, const uint64_t *areas,
		 struct layout *ret);
/* Where the recipe has the area or the partition that L says is bad. */
struct pos disk_bad_place(const struct disk_opts *o, const struct layout *l);
/*
 * disk_ids.c: the identities in the table: the recipe's UUID, or where that is NULL one that
 * derives from the names of PROJECT, the node's IDENTITY and the partition.
 */
void disk_identity(enum layout_table table, const char *uuid, const char *project,
		   const char *identity, unsigned char ret[16]);
void disk_part_identity(const char *name, const char *uuid, const char *project,
			const char *identity, unsigned char ret[16]);
/* Reports those of the recipe MAP that are none, or mean nothing in its table. */
void disk_check_ids(const struct disk_opts *o, const struct yaml *map, struct err_list *errors);
/* Words of the option 'table', in the order of enum layout_table. */
extern const char *const disk_tables[];

/* The partition of O that is called NAME, or NULL. */
const struct disk_part *disk_part_named(const struct disk_opts *o, const char *name);
/*
 * disk_installed.c: puts into T, the tree of PART, what RAUC has where it has installed the images
 * of the slots itself: their indexes, and the status that names them.
 */
struct action;
struct tree;
int disk_add_installed(struct action *a, const struct disk_part *part, struct tree *t,
		       struct err **err) warn_unused;
/* Where the status is in the partition; in the arena, or of I. */
const char *disk_statusfile(struct arena *a, const struct disk_installed *i);

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
