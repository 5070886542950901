/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Where partitions lie. Pure: nothing is read or written; gpt.h and mbr.h apply a placed layout to
 * a file.
 *
 *	struct layout l = {.table = LAYOUT_GPT, ...};   // fill size, areas and parts
 *	layout_place(&l, err);   // sets each part's start, size and number, first, size
 *
 * Sizes, and starts that nobody asked for, are multiples of .align; a start that is asked for is a
 * multiple of a sector. The gap before the partitions is where boot ROMs and boot loaders keep data
 * outside of any file system: reserved areas lie there, and wherever no partition does, but never
 * over a table. With such areas the first partition starts at the next multiple of 4 MiB (the
 * allocation unit of SD cards), unless .align says something else. The first usable block is the
 * start of the first partition, so that no tool takes the gap for free space. A partition may own a
 * region that is larger than itself (RAUC's boot-gpt-switch): the rest of the region stays free of
 * other partitions.
 *
 * An MBR has four entries. With more partitions the fourth is an extended one, and those from the
 * fourth on are logical, numbered from 5; each has its own record .align bytes before its start.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"

#define LAYOUT_SECTOR 512
#define LAYOUT_ALIGN ((uint64_t)1 << 20)
/* The size that a partition has when SIZE is asked for; ALIGN: 0 is LAYOUT_ALIGN. */
static inline uint64_t layout_round(uint64_t size, uint64_t align)
{
	uint64_t unit = align ? align : LAYOUT_ALIGN;

	return (size + unit - 1) / unit * unit;
}
#define LAYOUT_ENTRIES 128     /* of a GPT that does not say how many */
#define LAYOUT_ENTRIES_AT 1024 /* bytes, after protective MBR and header */
#define LAYOUT_ENTRY 128       /* bytes of an entry */
/* Bytes of the boot record before what a table has in it: code of a BIOS. */
#define LAYOUT_BOOT_CODE 440

enum layout_table { LAYOUT_GPT, LAYOUT_MBR, LAYOUT_HYBRID, LAYOUT_NONE };
static inline bool layout_has_gpt(enum layout_table table)
{
	return table == LAYOUT_GPT || table == LAYOUT_HYBRID;
}

/* At byte 0, where there is a table: the code of the boot record, of which LAYOUT_BOOT_CODE. */
struct layout_area {
	const char *name;
	uint64_t at, size; /* bytes */
};
DEFINE_VEC(layout_areas, struct layout_area)

struct layout_part {
	const char *name;
	const char *type; /* of the table: layout_type_guid() or layout_mbr_type() knows it */
	uint64_t at;      /* wished start, bytes; 0: after the one before */
	uint64_t size;    /* bytes, rounded up; 0: what the disk has left (last partition only) */
	unsigned regions; /* the region is so many times the size; 0 counts as 1 */
	bool grow;        /* to be grown into the rest of the medium on first boot */
	uint64_t start;   /* result */
	const char *mbr_type; /* hybrid: its type in the MBR; NULL: it is not there */
	bool active;          /* flag for BIOSes and boot loaders */
	unsigned number;      /* result: in the table, from 1; without a table in the recipe */
};
DEFINE_VEC(layout_parts, struct layout_part)

struct layout {
	uint64_t size;  /* of the disk, bytes; 0: as large as needed */
	uint64_t first; /* result: first usable byte */
	struct layout_areas areas;
	struct layout_parts parts;
	enum layout_table table;
	unsigned entries;    /* of the GPT; 0: LAYOUT_ENTRIES */
	uint64_t entries_at; /* bytes; 0: LAYOUT_ENTRIES_AT */
	uint64_t align;      /* bytes; 0: LAYOUT_ALIGN */
	/* What an error is about; NULL: the whole. */
	const struct layout_area *bad_area;
	const struct layout_part *bad_part;
};

int layout_place(struct layout *l, struct err **err) warn_unused;
void layout_clear(struct layout *l);
#define cleanup_layout __attribute__((cleanup(layout_clear)))

/* Where the partition table ends at the beginning of the disk, and what its backup takes; bytes. */
uint64_t layout_head(const struct layout *l);
uint64_t layout_tail(const struct layout *l);
/* The number of partition INDEX (from 0) of COUNT. */
unsigned layout_number(enum layout_table table, size_t index, size_t count);
/* Whether partition INDEX is in an extended one. */
bool layout_is_logical(const struct layout *l, size_t index);

/* The GUID of a type word (or of a GUID in any case), upper case, or NULL. */
const char *layout_type_guid(const char *type, char buf[37]);
/* All type words, for messages; ended by NULL. */
extern const char *const layout_type_words[];
/* ": did you mean 'esp'?", or all words in brackets, for the message that TYPE is unknown; heap. */
char *layout_type_hint(const char *type);
/* 0 and the byte that an MBR has for TYPE, a word or "0x83"; 1: there is none. */
int layout_mbr_type(const char *type, unsigned char *ret);
/* All words of types in an MBR, ended by NULL. */
extern const char *const layout_mbr_words[];
