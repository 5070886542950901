/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Two images, block by block, as RAUC's adaptive method "block-hash-index" does: of 4 KiB each.
 * What it fetches are blocks that the device has nowhere in its old image; what is all zeros it
 * makes itself. What it writes are those that differ where they are.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"

#define BLOCK_BYTES 4096u
#define BLOCK_INDEX_BYTES 32u /* of the index, for each block */

struct block_range { /* bytes of an image */
	uint64_t at, size;
};
DEFINE_VEC(block_ranges, struct block_range)

struct blocks {
	uint64_t blocks;             /* of the image after */
	uint64_t zero;               /* of these: nothing but zeros */
	uint64_t changed;            /* others than at that place before */
	uint64_t fetched;            /* of these: nowhere before; each content counts once */
	struct block_ranges changes; /* where, in order; adjoining ones are one */
};

/* Where an image lies: SIZE bytes from AT on of FILE. */
struct block_place {
	const char *file;
	uint64_t at, size;
};

/* Compares; RET is to be cleared with blocks_clear(). A file that ends early reads as zeros. */
int blocks_compare(const struct block_place *before, const struct block_place *after,
		   struct blocks *ret, struct err **err) warn_unused;
/*
 * *RET: whether both are of one size and all bytes are equal. What is one file at one place is not
 * read; all else is, up to the first difference, but for holes.
 */
int blocks_same(const struct block_place *a, const struct block_place *b, bool *ret,
		struct err **err) warn_unused;
/* Bytes that an adaptive update fetches before they are compressed, the index among them. */
uint64_t blocks_fetched(const struct blocks *b);
/* Bytes that it writes. */
uint64_t blocks_written(const struct blocks *b);
/*
 * How many of at most COUNT blocks of data, spread evenly over AFTER, are the same in BEFORE; 1000
 * of 1000 when all are.
 */
int blocks_sample(const struct block_place *before, const struct block_place *after, unsigned count,
		  unsigned *ret_permille, struct err **err) warn_unused;
void blocks_clear(struct blocks *b);
#define cleanup_blocks __attribute__((cleanup(blocks_clear)))
