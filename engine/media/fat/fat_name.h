/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Names in FAT directories: short (8.3) and long (UTF-16). A file answers to both, so a short name
 * may be no other file's long name; therefore all long names of a directory are known before the
 * first short one is given out:
 *
 *	for each NAME: fat_name_long(NAME, &taken, arena, &n[i]);
 *	for each NAME: fat_name_short(NAME, &taken, arena, &n[i]);
 */
#include <stdbool.h>

#include "base/map.h"
#include "base/str.h"

#define FAT_SHORT 11
#define FAT_LONG_MAX 255
#define FAT_SLOT 32       /* bytes of a directory entry */
#define FAT_SLOT_CHARS 13 /* characters of a long name in one slot */
#define FAT_ATTR_LONG 0x0f

/* Where they are in the slot. */
extern const unsigned char fat_name_place[FAT_SLOT_CHARS];

struct fat_name {
	unsigned char shortname[FAT_SHORT];
	bool plain; /* the short name says it all */
	uint16_t utf16[FAT_LONG_MAX + 1];
	size_t len; /* of utf16 */
};

/*
 * The long name. TAKEN has the names of the directory so far (keys in ARENA); it is added. Names
 * that differ only in case are one to those who read FAT: letters are compared by Unicode's simple
 * case folding (with the letters of C.UTF-8). NULL, or why there is no such name ("has the
 * character ':'").
 */
const char *fat_name_long(const char *name, struct map *taken, struct arena *arena,
			  struct fat_name *ret);
/* The short name, once TAKEN has every long one. NULL, or why there is none. */
const char *fat_name_short(const char *name, struct map *taken, struct arena *arena,
			   struct fat_name *ret);
/* Slots that the name takes: the entry itself and those of the long name. */
size_t fat_name_slots(const struct fat_name *n);
/* Writes the long-name slots before the entry; returns the first byte after them. */
unsigned char *fat_name_write(const struct fat_name *n, unsigned char *to);
/* The sum of a short name, which each slot of the long name has. */
unsigned char fat_name_sum(const unsigned char shortname[FAT_SHORT]);
