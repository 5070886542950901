/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A FAT file system that somebody else wrote, read where it lies. Whoever reads one claims each
 * cluster once, so that loops and files that share clusters end, and all takes time in proportion
 * to the bytes that are there.
 */
#include "base/str.h"
#include "base/vec.h"
#include "media/fat/fat_name.h"

#define FAT_ATTR_READ_ONLY 0x01
#define FAT_ATTR_LABEL 0x08
#define FAT_ATTR_DIR 0x10
#define FAT_ATTR_FILE 0x20
#define FAT_DIR_SLOTS_MAX 65536u /* 2 MiB: "Microsoft FAT Specification" (2005), 6 */

static inline uint32_t fat_get16(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t fat_get32(const unsigned char *p)
{
	return fat_get16(p) | fat_get16(p + 2) << 16;
}

/* Places and sizes are bytes of the file system. */
struct fat_disk {
	const unsigned char *map; /* all of it: LEN bytes, no more than SIZE */
	uint64_t len, size;
	unsigned bits; /* of a cluster's number: 12, 16 or 32 */
	uint32_t cluster_bytes;
	uint32_t end;             /* clusters have the numbers from 2 on to this one, without it */
	uint64_t table;           /* the first one */
	uint64_t root, root_size; /* of FAT12 and FAT16 */
	uint32_t root_cluster;    /* of FAT32; 0: none */
	uint64_t data;            /* of cluster 2 */
	unsigned char *claimed;   /* a bit for each cluster */
};

#define FAT_BOOT 512u
/* Whether what begins with LEN bytes BOOT is a FAT, be it damaged: nobody else decides that. */
bool fat_disk_is(const void *boot, uint64_t len);
/* What a boot sector of 512 bytes tells: RET has all but map, len and claimed. NULL, or why not. */
const char *fat_disk_parse(const unsigned char *boot, struct fat_disk *ret);
/* Of the LEN bytes at MAP, which stay as long as RET. NULL, or why there is none. */
const char *fat_disk_open(const void *map, uint64_t len, struct fat_disk *ret);
void fat_disk_close(struct fat_disk *d);
/* What the table has for CLUSTER, which it has; the upper bits of FAT32 are left out. */
uint32_t fat_disk_entry(const struct fat_disk *d, uint32_t cluster);

/*
 * The clusters of a file, as runs:
 *
 *	struct fat_chain c = {.disk = d, .next = first};
 *	while (fat_chain_run(&c, limit))
 *		use(c.at, c.size);
 *	if (c.bad)
 *		"it " c.bad
 */
struct fat_chain {
	struct fat_disk *disk;
	uint32_t next;     /* 0: the end */
	uint64_t at, size; /* of this run */
	const char *bad;   /* why it ends before its end; else NULL */
};
/* The next run, of at most LIMIT bytes and then up to a whole cluster; claims its clusters. */
bool fat_chain_run(struct fat_chain *c, uint64_t limit);

struct fat_run {
	uint64_t at, size;
};
DEFINE_VEC(fat_runs, struct fat_run)

struct fat_entry {
	struct str name; /* UTF-8; no "." or "..", no '/' */
	unsigned attr;
	uint32_t cluster, size;
	int64_t mtime;
};
/* A directory: DATA up to LEN is all of it. */
struct fat_dir {
	unsigned char *data;
	size_t len, at;
	struct fat_runs runs;   /* where it is */
	bool wide;              /* numbers of clusters have 32 bits */
	struct fat_entry entry; /* that was read last */
	const char *bad;
};
/*
 * Reads the root, or the directory at CLUSTER; NULL, or what is wrong with it: then RET has what
 * comes before that.
 */
const char *fat_dir_root(struct fat_disk *d, struct fat_dir *ret);
const char *fat_dir_open(struct fat_disk *d, uint32_t cluster, struct fat_dir *ret);
/* The next entry that is a file or a directory; false at the end, or when D->bad says why. */
bool fat_dir_next(struct fat_dir *d);
void fat_dir_close(struct fat_dir *d);
#define cleanup_fat_dir __attribute__((cleanup(fat_dir_close)))
