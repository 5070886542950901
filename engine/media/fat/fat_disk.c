/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where things are in a FAT file system, and which clusters a file has. */
#include "media/fat/fat_priv.h"

#define FAT12_END 4085u /* clusters from which on it is no FAT12 any more */

/* From this number on the table means no cluster: first one that is bad, then ends. */
static uint32_t first_word(const struct fat_disk *d)
{
	return d->bits == 32 ? 0x0ffffff7 : d->bits == 16 ? 0xfff7 : 0xff7;
}

static bool is_power(uint32_t v)
{
	return v && !(v & (v - 1));
}

/* What no other file system has in its first sector by chance. */
static bool has_geometry(const unsigned char *b)
{
	uint32_t sector = fat_get16(b + 11);

	return sector >= 512 && sector <= 4096 && is_power(sector) && is_power(b[13]) &&
	       fat_get16(b + 14) && b[16] && (b[21] == 0xf0 || b[21] >= 0xf8);
}

/* The word is for people, says Microsoft: it may be missing, and is what damage may have left. */
static bool has_word(const unsigned char *b)
{
	return !memcmp(b + 54, "FAT12   ", 8) || !memcmp(b + 54, "FAT16   ", 8) ||
	       !memcmp(b + 82, "FAT32   ", 8);
}

bool fat_disk_is(const void *boot, uint64_t len)
{
	const unsigned char *b = boot;

	return len >= FAT_BOOT && fat_get16(b + 510) == 0xaa55 && (has_geometry(b) || has_word(b));
}

static uint64_t table_entries(const struct fat_disk *d, uint64_t bytes)
{
	return bytes * 8 / d->bits;
}

const char *fat_disk_parse(const unsigned char *b, struct fat_disk *ret)
{
	uint64_t sector = fat_get16(b + 11), tables, clusters, entries;

	*ret = (struct fat_disk){0};
	if (!fat_disk_is(b, FAT_BOOT))
		return "has no boot sector of a FAT";
	if (!has_geometry(b))
		return "has sizes in its boot sector that cannot be";
	tables = (fat_get16(b + 22) ? fat_get16(b + 22) : fat_get32(b + 36)) * sector;
	ret->size = (fat_get16(b + 19) ? fat_get16(b + 19) : fat_get32(b + 32)) * sector;
	ret->cluster_bytes = (uint32_t)(b[13] * sector);
	ret->table = fat_get16(b + 14) * sector;
	ret->root = ret->table + b[16] * tables;
	ret->root_size = fat_get16(b + 17) * (uint64_t)FAT_SLOT;
	ret->data = ret->root + (ret->root_size + sector - 1) / sector * sector;
	if (!tables || ret->data >= ret->size)
		return "has sizes in its boot sector that cannot be";
	clusters = (ret->size - ret->data) / ret->cluster_bytes;
	ret->bits = !fat_get16(b + 22) ? 32 : clusters < FAT12_END ? 12 : 16;
	ret->root_cluster = ret->bits == 32 ? fat_get32(b + 44) : 0;
	entries = table_entries(ret, tables);
	if (entries > first_word(ret))
		entries = first_word(ret);
	ret->end = (uint32_t)(clusters + 2 < entries ? clusters + 2 : entries);
	return ret->end > 2 ? NULL : "has a table without room for a cluster";
}

const char *fat_disk_open(const void *map, uint64_t len, struct fat_disk *ret)
{
	const char *why = len < FAT_BOOT ? "is too short for a FAT" : fat_disk_parse(map, ret);

	if (why)
		return why;
	if (ret->size > len)
		return "says in its boot sector that it is larger than its place";
	ret->map = map;
	ret->len = len;
	ret->claimed = xcalloc(ret->end / 8 + 1, 1);
	return NULL;
}

void fat_disk_close(struct fat_disk *d)
{
	free(d->claimed);
}

uint32_t fat_disk_entry(const struct fat_disk *d, uint32_t cluster)
{
	const unsigned char *table = d->map + d->table;
	uint32_t pair;

	if (d->bits == 32)
		return fat_get32(table + 4ull * cluster) & 0x0fffffff;
	if (d->bits == 16)
		return fat_get16(table + 2ull * cluster);
	pair = fat_get16(table + cluster + cluster / 2);
	return cluster & 1 ? pair >> 4 : pair & 0xfff;
}

/* ---- chains ---- */

static bool claim(struct fat_chain *c, uint32_t cluster)
{
	unsigned char *byte = &c->disk->claimed[cluster / 8],
		      bit = (unsigned char)(1 << cluster % 8);

	if (cluster < 2 || cluster >= c->disk->end)
		c->bad = "has a cluster that the file system has not";
	else if (*byte & bit)
		c->bad = "shares a cluster with another file, or with itself";
	else
		*byte |= bit;
	return !c->bad;
}

bool fat_chain_run(struct fat_chain *c, uint64_t limit)
{
	const struct fat_disk *d = c->disk;
	uint32_t first = c->next, last = first;

	if (!first || c->bad || !limit || !claim(c, first))
		return false;
	c->at = d->data + (first - 2ull) * d->cluster_bytes;
	c->size = d->cluster_bytes;
	c->next = fat_disk_entry(d, first);
	while (c->next == last + 1 && c->size < limit && claim(c, c->next)) {
		last = c->next;
		c->size += d->cluster_bytes;
		c->next = fat_disk_entry(d, last);
	}
	if (c->next > first_word(d))
		c->next = 0;
	else if (!c->next)
		c->bad = "has a cluster that is free";
	return true;
}
