/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A block map in bmaptool's format 2.0: which blocks of an image must be written to a card, and
 * what they hold. Nothing of a card that is not mapped is touched, so what must read as zeros is
 * mapped, too, be it a hole or not: whoever makes the map knows what is free.
 *
 *	struct bmap m = {.size = size};
 *	bmap_map(&m, start, bytes);        // any bytes: their blocks
 *	bmap_unmap(&m, start, bytes);      // only blocks that lie in it whole
 *	bmap_write(&m, "card.img", "card.img.bmap", err);
 *	bmap_clear(&m);
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define BMAP_BLOCK 4096

struct bmap {
	uint64_t size;       /* of the image, bytes */
	unsigned char *bits; /* private: of blocks */
};

void bmap_map(struct bmap *m, uint64_t at, uint64_t size);
void bmap_unmap(struct bmap *m, uint64_t at, uint64_t size);
bool bmap_is_mapped(const struct bmap *m, uint64_t block);
/* Writes the map to a new file PATH, with the digests of what IMAGE has. */
int bmap_write(const struct bmap *m, const char *image, const char *path,
	       struct err **err) warn_unused;
void bmap_clear(struct bmap *m);
#define cleanup_bmap __attribute__((cleanup(bmap_clear)))
