/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Both copies of a GUID partition table (UEFI 2.10, 5.3), each for itself, on disks that may be
 * damaged or cut: what libfdisk (gpt.h) would mend without a word is told.
 */
#include "media/disk/gpt.h"

struct table_copy {
	bool valid;
	const char *why; /* it is not: a constant */
};

struct table {
	struct table_copy primary, backup;
	bool equal;             /* both are valid, name each other and say the same */
	bool gpt;               /* one is valid, or the first sector says so: */
	bool protective;        /* it has an entry of type 0xEE */
	uint64_t size, said;    /* bytes: of the disk, and of the one that the table is for; 0 */
	struct gpt_parts parts; /* of the primary, else the backup, else an MBR */
};

/* FD has SIZE bytes. A disk without any table is no error: none is valid, PARTS is empty. */
void table_read(int fd, uint64_t size, struct table *ret);
/* Bytes of a file or a block device; 0 when it cannot be told. */
uint64_t table_disk_size(int fd);
void table_clear(struct table *t);
#define cleanup_table __attribute__((cleanup(table_clear)))
