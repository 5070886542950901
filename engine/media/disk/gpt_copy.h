/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * One copy of a GUID partition table as it lies on the card, valid or not: what a firmware sees
 * that trusts nothing but checksums (UEFI 2.10, 5.3). gpt.h is for whole tables.
 */
#include <stdbool.h>

#include "base/vec.h"

#define GPT_SECTOR 512
#define GPT_HEAD_SECTORS 34 /* protective MBR, header, 128 entries; the backup has one less */

struct gpt_slot {
	char name[37 * 3];    /* UTF-8 */
	uint64_t start, size; /* bytes */
};
DEFINE_VEC(gpt_slots, struct gpt_slot)

/*
 * Reads the copy whose header lies in sector LBA. 1: it is not valid (checksums, signature, place),
 * or the card ends before it. Used entries only, in order; free with gpt_slots_clear.
 */
int gpt_copy_read(int fd, uint64_t lba, struct gpt_slots *ret);
/* The primary, else the backup in the last sector of a card of SIZE bytes; 1: neither is valid. */
int gpt_copy_any(int fd, uint64_t size, struct gpt_slots *ret);
/* The entry of that name, or NULL. */
const struct gpt_slot *gpt_slot_named(const struct gpt_slots *v, const char *name);
