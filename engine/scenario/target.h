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

struct target {
	struct target_slots slots;    /* best first */
	uint64_t env_at[2], env_size; /* copies of U-Boot's environment on the card; bytes */
	const char *boot_partition;   /* the one that a switch of the partition table changes */
	unsigned tries;               /* of a slot that nothing is said about */
};

/* The slot of that boot name, or NULL. */
const struct target_slot *target_slot(const struct target *t, const char *bootname);
void target_clear(struct target *t);
