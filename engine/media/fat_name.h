/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Names in FAT folders: short (8.3) and long (UTF-16). */
#include <stdbool.h>

#include "base/map.h"
#include "base/str.h"

#define FAT_SHORT 11
#define FAT_LONG_MAX 255
#define FAT_SLOT 32       /* bytes of a folder entry */
#define FAT_SLOT_CHARS 13 /* characters of a long name in one slot */

struct fat_name {
	unsigned char shortname[FAT_SHORT];
	bool plain; /* the short name says it all */
	uint16_t utf16[FAT_LONG_MAX + 1];
	size_t len; /* of utf16 */
};

/*
 * The names of NAME in a folder. TAKEN are the folder's names so far: short ones and long ones
 * folded to capitals (keys in ARENA); the new ones are added. NULL, or why there is no such name
 * ("has the character ':'").
 */
const char *fat_name_make(const char *name, struct map *taken, struct arena *arena,
			  struct fat_name *ret);
/* Slots that the name takes: the entry itself and those of the long name. */
size_t fat_name_slots(const struct fat_name *n);
/* Writes the long-name slots in front of the entry; returns the first byte behind them. */
unsigned char *fat_name_write(const struct fat_name *n, unsigned char *to);
