/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The card while the power is off, for verbs that look at it or change it. */
#include "media/disk/gpt_copy.h"
#include "scenario/chooser.h"
#include "scenario/stage.h"

#define CARD_BLOCK (1u << 20) /* bytes that are read and written at a time */

/* Opens the card for reading and writing: a descriptor, or -1. */
int card_open(const struct stage *s, struct err **err) warn_unused;
/* The partition of that name, as the valid copy of the table has it. ERR_USER: there is none. */
int card_partition(const struct stage *s, const char *name, struct gpt_slot *ret,
		   struct err **err) warn_unused;
/* Reads LEN bytes of FD; after its end there are zeros. */
int card_read(int fd, uint64_t at, unsigned char *buf, size_t len, struct err **err) warn_unused;
/* What the boot loader keeps there; reading it is safe while the power is on, too. */
int card_read_vars(const struct stage *s, struct boot_vars *ret, struct err **err) warn_unused;
int card_write_vars(const struct stage *s, const struct boot_vars *v, struct err **err) warn_unused;
int card_read_state(const struct stage *s, struct boot_state *ret, struct err **err) warn_unused;

/* A range of the card, as verbs have it among their options. */
struct card_range {
	const char *partition; /* or NULL: of the whole card */
	uint64_t at, size;     /* bytes; size 0: to the end of the partition */
};
