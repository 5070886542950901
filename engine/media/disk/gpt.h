/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * GUID partition tables on plain files, through libfdisk. Written tables depend on nothing but the
 * layout and the identities given: protective MBR, primary table, backup table in the last sectors.
 * Sectors have 512 bytes.
 */
#include "media/disk/layout.h"

#define GPT_GROW (UINT64_C(1) << 59)       /* attribute "grow file system" */
#define GPT_LEGACY_BOOT (UINT64_C(1) << 2) /* attribute "legacy BIOS bootable" */

struct gpt_part {
	char name[37 * 4];    /* UTF-8; an MBR has none */
	char type[37];        /* GUID, upper case; of an MBR "0x83" */
	char uuid[37];        /* PARTUUID */
	unsigned number;      /* in the table, from 1 */
	uint64_t start, size; /* bytes */
	uint64_t attrs;
};
DEFINE_VEC(gpt_parts, struct gpt_part)

/*
 * Writes the table of a placed layout into PATH, which must be a file of the layout's size. DISK
 * and PARTS are identities of 16 bytes, PARTS one for each partition in order.
 */
int gpt_write(const char *path, const struct layout *l, const unsigned char disk[16],
	      const unsigned char (*parts)[16], struct err **err) warn_unused;
/*
 * Reads the partitions in the order of the table, which may be an MBR, too; no table is ERR_BUILD.
 * An extended partition is left out. Free with gpt_parts_clear.
 */
int gpt_read(const char *path, struct gpt_parts *ret, struct err **err) warn_unused;
/*
 * Moves the backup of the table to the end of FD, a card that is larger than the image that was
 * written to it, and the last usable block with it; what a hybrid table has in its MBR stays. NAME
 * is for messages. A disk without a GPT has no backup and is left alone.
 */
int gpt_fit(int fd, const char *name, struct err **err) warn_unused;
