/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The device whose card is on the board, as scenarios must know it: which slots its boot loader
 * chooses from, and where it keeps what it knows of them.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

struct target_slot {
	const char *bootname;  /* "A" */
	const char *partition; /* "root-a" */
};
DEFINE_VEC(target_slots, struct target_slot)

#define TARGET_SLOTS 8
#define TARGET_AREAS 2

struct target_area { /* of the card, bytes */
	uint64_t at, size;
};

struct chooser;
struct target {
	const struct chooser *chooser;          /* chooser.h */
	struct target_slots slots;              /* best first; at most TARGET_SLOTS */
	struct target_area areas[TARGET_AREAS]; /* where the boot loader keeps its state */
	size_t area_count;
	const char *boot_partition; /* the one that a switch of the partition table changes */
	unsigned tries;             /* of a slot that nothing is said about */
};

/* The slot of that boot name, or NULL. */
const struct target_slot *target_slot(const struct target *t, const char *bootname);
/* "A B"; caller frees. */
char *target_bootnames(const struct target *t);
void target_clear(struct target *t);
