/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Which slot must be booted, as RAUC counts tries: pure, to compare a boot script with. */
#include <stddef.h>

#define CHOICE_SLOTS 4
#define CHOICE_TRIES 3 /* of a slot that nothing is said about */
#define CHOICE_NONE ((size_t)-1)

struct choice_state {
	const char *slots[CHOICE_SLOTS]; /* names */
	size_t count;
	const char *all;                /* the order when none is set: "A B" */
	const char *order;              /* BOOT_ORDER; NULL: not set */
	const char *left[CHOICE_SLOTS]; /* BOOT_x_LEFT, hexadecimal; NULL: not set */
	/* results */
	size_t chosen;
	unsigned tries[CHOICE_SLOTS]; /* what is saved */
};

/* The slot that is chosen, or CHOICE_NONE; fills in tries. */
size_t choice_rule(struct choice_state *c);
