/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Is a part of a disk equal to an image? Asked again and again while the disk is written: the first
 * look reads both, after that only what was written is compared.
 */
#include <stdbool.h>

#include "base/err.h"

struct match;

/* Compares CARD at AT with the whole image. CARD stays open and the caller's. */
int match_new(int card, uint64_t at, const char *image, struct match **ret,
	      struct err **err) warn_unused;
/* Bytes [offset, offset + size) of the card were written; they may lie anywhere. */
int match_update(struct match *m, uint64_t offset, uint64_t size, struct err **err) warn_unused;
bool match_equal(const struct match *m);
/* Sectors of 512 bytes that differ. */
uint64_t match_differing(const struct match *m);
void match_free(struct match *m);
