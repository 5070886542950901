/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * dm-verity's hash tree behind the data that it is about, byte for byte as veritysetup writes it
 * with the data and the tree in one file: superblock (version 1, sha256, blocks of 4096 bytes),
 * then the levels, the topmost first.
 */
#include "base/digest.h"

#define VERITY_BLOCK 4096

struct verity {
	unsigned char salt[32], uuid[16];
	struct digest root; /* result */
};

/* Bytes of superblock and tree for DATA bytes, a multiple of VERITY_BLOCK. */
uint64_t verity_overhead(uint64_t data);
/* The most data, in whole blocks, that has its tree in WHOLE bytes; 0: none. */
uint64_t verity_data_size(uint64_t whole);
/* Writes superblock and tree behind the first DATA bytes of PATH, and sets V->root. */
int verity_write(const char *path, uint64_t data, struct verity *v, struct err **err) warn_unused;
/* "0 2048 verity 1 DEVICE DEVICE 4096 4096 …": a table for DATA bytes on DEVICE. Caller frees. */
char *verity_table(const struct verity *v, uint64_t data, const char *device);
